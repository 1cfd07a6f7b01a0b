//! keycomb keeps the environments and API keys of a Honeycomb team as code.

pub mod apply;
pub mod cli;
pub mod config;
pub mod honeycomb;
pub mod model;
pub mod plan;
pub mod ports;
pub mod render;
pub mod report;
pub mod sandbox;
pub mod seal;
