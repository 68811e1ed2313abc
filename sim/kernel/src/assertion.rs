//! Assertions of a reducer's own: what kinds there are, and those that a world is known to have.
//!
//! A reducer makes them in its annotations. Here they are names: who judges them is the model.

/// What a reducer asserts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssertionKind {
    /// A condition holds each time.
    Always,
    /// A condition holds at least once in a campaign.
    Sometimes,
    /// The place is reached at least once in a campaign.
    Reachable,
}

/// An assertion that a world is known to have, so that it is missed where it is never made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// What it asserts.
    pub kind: AssertionKind,
    /// The message, by which it is known.
    pub message: String,
    /// A campaign on so many seeds or more is asked for it.
    pub seeds: u64,
}

impl AssertionKind {
    /// All of them.
    pub const ALL: [AssertionKind; 3] = [
        AssertionKind::Always,
        AssertionKind::Sometimes,
        AssertionKind::Reachable,
    ];

    /// As annotations and `sim.toml` call it.
    pub fn name(self) -> &'static str {
        match self {
            AssertionKind::Always => "always",
            AssertionKind::Sometimes => "sometimes",
            AssertionKind::Reachable => "reachable",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<AssertionKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
