//! keycomb keeps the environments and API keys of a Honeycomb team as code.
//!
//! ```text
//! keycomb.toml ─ config ─→ Desired ─┐
//! service ───── honeycomb ─→ Live ──┼─ plan ─→ Plan ─┬─ render ─→ people, CI
//! sealed file ─ seal ────→ Sealed ──┘  (pure)        └─ apply ─→ service + sealed file ─→ Report ─ render
//! ```
//!
//! Everything is read before anything is decided; deciding is a pure function; what is shown and what is done are two
//! readers of one [`plan::Plan`]. A key's secret, which the service shows once, is sealed before the key is enabled.
//!
//! Parse, plan, print:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use keycomb::config::{self, SourceFile};
//! use keycomb::model::Live;
//! use keycomb::plan::{self, Allow, Ask, Input};
//! use keycomb::render::{self, Style};
//!
//! let text = r#"
//!     version = 1
//!     [honeycomb]
//!     team = "acme"
//!     [seal.recipients]
//!     ops = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
//!     [environment.production]
//!     [key.checkout]
//!     environment = "production"
//!     type = "ingest"
//! "#;
//! let file = SourceFile { name: "keycomb.toml".into(), text: text.into() };
//! let desired = config::parse(vec![file])?;
//!
//! // What the service has; `honeycomb::read_all` reads it.
//! let now = "2026-03-01T08:00:00Z".parse()?;
//! let live = Live { environments: vec![], keys: vec![], now };
//!
//! let (allow, ask, elsewhere) = (Allow::default(), Ask::default(), BTreeMap::new());
//! let plan = plan::plan(&Input { desired: &desired, live: &live, sealed: None, now, allow, ask, elsewhere });
//! assert_eq!(plan.summary.issued, 1);
//!
//! let shown = render::text::plan(&plan, &Style { color: false, unicode: true, width: 100 });
//! assert!(shown.contains("+ key.production.checkout"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod apply;
pub mod cli;
pub mod config;
pub mod honeycomb;
pub mod model;
pub mod plan;
pub mod ports;
pub mod rehearse;
pub mod render;
pub mod report;
pub mod runs;
pub mod sandbox;
pub mod saved;
pub mod seal;
pub mod snapshot;
pub mod telemetry;
pub mod terraform;
