//! What is known of a world: what its clients send, what answers, whose an event is, what must hold.

pub mod invariants;
pub mod workload;
