//! What became of each action of a plan.
