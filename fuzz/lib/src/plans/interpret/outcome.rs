//! What comes out of a plan, and why an instance ended before its end.

use crate::plans::evaluate::Class;

/// Why a plan instance ended before its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What failed, then names: a step, the ends of an edge, the number of an invariant.
    pub place: Vec<String>,
    pub cause: Cause,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Expression(Class),
    /// An invariant is false, or no bool.
    False,
    /// A condition is no bool.
    NotBool,
    /// An idempotency key is neither text nor bytes.
    Key,
    /// A value does not fit its schema.
    Misfit,
    /// The effect gate said no.
    Gate,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Cause::Expression(class) => class.name(),
            Cause::False => "false invariant",
            Cause::NotBool => "not a bool",
            Cause::Key => "bad key",
            Cause::Misfit => "misfit",
            Cause::Gate => "gate",
        }
    }
}

/// What comes out of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Out {
    Raised {
        schema: String,
        bytes: Vec<u8>,
    },
    Asked {
        kind: String,
        params: Vec<u8>,
        intent: String,
        allowed: bool,
    },
    Result {
        instance: u32,
        bytes: Vec<u8>,
    },
    Ended {
        instance: u32,
        failure: Option<Failure>,
    },
}
