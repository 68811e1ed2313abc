//! What a monitor is written with: a reducer that sees the turns of a run and says what is wrong.
//!
//! Owns the shapes of `sim/Moment@1` and `sim/Verdict@1`. Never knows what a world's own values
//! are: those are [`Document`]s, read as what the monitor says they are.
//!
//! ```
//! use sdk::monitor::{self, Moment};
//! use sdk::{Input, Output, Refusal};
//!
//! sdk::record! {
//!     #[derive(Clone, Copy)]
//!     struct Counter { total: u64 }
//! }
//!
//! /// The total never shrinks.
//! fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
//!     let mut largest: u64 = input.state()?.unwrap_or(0);
//!     let Moment::Turn(turn) = input.event()? else {
//!         return Ok(());
//!     };
//!     for step in turn.steps.iter() {
//!         let Some(after) = step.after else { continue };
//!         let Counter { total } = after.read()?;
//!         match total < largest {
//!             true => monitor::violated(
//!                 output,
//!                 &format_args!("a total of {largest} or more"),
//!                 &format_args!("{total}"),
//!             ),
//!             false => monitor::holds(output),
//!         }
//!         largest = largest.max(total);
//!     }
//!     output.state(&largest);
//!     Ok(())
//! }
//! # let rest = Moment::Rest(sdk::monitor::Rest { at_ns: 0 });
//! # sdk::testing::first(&rest).step(step)?;
//! # Ok::<(), Refusal>(())
//! ```

use crate::cbor::{Read, Reader, Sink};
use crate::decode::{Decode, List, decode};
use crate::encode::Encode;
use crate::{Output, Refusal};

/// The schema of what a monitor gives out.
const VERDICT: &str = "sim/Verdict@1";

/// A value of the world, as the bytes that reducers are given: canonical CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a>(pub &'a [u8]);

impl<'a> Document<'a> {
    /// The value, read as a `T`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn read<T: Decode<'a>>(self) -> Result<T, Refusal> {
        decode(self.0, &"value")
    }
}

impl<'a> Decode<'a> for Document<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Refusal> {
        reader.bytes().map(Document)
    }
}

impl Encode for Document<'_> {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.bytes(self.0);
    }
}

crate::variant! {
    /// `sim/Moment@1`: what a monitor is given.
    #[derive(Clone, Copy)]
    pub enum Moment<'a> {
        /// A decision of the environment, and all that came of it.
        Turn(Turn<'a>) = "turn",
        /// The end of a run whose faults have stopped: nothing is in flight any more.
        Rest(Rest) = "rest",
    }
}

crate::record! {
    /// What came of one decision.
    #[derive(Clone, Copy)]
    pub struct Turn<'a> {
        /// Virtual time, in nanoseconds.
        pub at_ns: u64,
        /// Answers that arrived.
        pub receipts: List<'a, Receipt<'a>>,
        /// Events that went through reducers, in order.
        pub steps: List<'a, Step<'a>>,
        /// Events that a plan raised.
        pub sent: List<'a, Sent<'a>>,
        /// Effects that a plan asked for.
        pub effects: List<'a, PlanEffect<'a>>,
    }
}

crate::record! {
    /// The end of a run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rest {
        /// Virtual time, in nanoseconds.
        pub at_ns: u64,
    }
}

crate::record! {
    /// An event that went through a reducer.
    #[derive(Clone, Copy)]
    pub struct Step<'a> {
        /// Which reducer.
        pub reducer: &'a str,
        /// The key of its cell, if it is keyed.
        pub key: Option<Document<'a>>,
        /// The schema of the event as the reducer got it.
        pub schema: &'a str,
        /// The event.
        pub event: Document<'a>,
        /// The state before the step; none if there was none.
        pub before: Option<Document<'a>>,
        /// The state after it.
        pub after: Option<Document<'a>>,
        /// The events that it gave out.
        pub emitted: List<'a, Emitted<'a>>,
        /// The effects that it asked for.
        pub effects: List<'a, Effect<'a>>,
        /// Its output was refused: nothing came of it, and the state stayed.
        pub refused: bool,
    }
}

crate::record! {
    /// An event that a reducer gave out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Emitted<'a> {
        /// Its schema.
        pub schema: &'a str,
        /// Its value.
        pub value: Document<'a>,
    }
}

crate::record! {
    /// An effect that a reducer asked for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Effect<'a> {
        /// Its kind.
        pub kind: &'a str,
        /// Its parameters.
        pub params: Document<'a>,
        /// Whether the gate let it pass.
        pub allowed: bool,
    }
}

crate::record! {
    /// An event that a plan raised.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Sent<'a> {
        /// The plan.
        pub by: Option<&'a str>,
        /// The schema of the event.
        pub schema: &'a str,
        /// Its value.
        pub value: Document<'a>,
    }
}

crate::record! {
    /// An effect that a plan asked for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PlanEffect<'a> {
        /// The plan.
        pub by: Option<&'a str>,
        /// Its kind.
        pub kind: &'a str,
        /// The input of the plan.
        pub input: Option<Document<'a>>,
        /// Its parameters.
        pub params: Document<'a>,
        /// Whether the gate let it pass.
        pub allowed: bool,
    }
}

crate::record! {
    /// An answer to an effect.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Receipt<'a> {
        /// The kind of the effect.
        pub kind: &'a str,
        /// The plan that asked; none if a reducer did.
        pub plan: Option<&'a str>,
        /// The input of that plan.
        pub input: Option<Document<'a>>,
        /// With what it was asked for.
        pub params: Document<'a>,
        /// `ok`, `error` or `timeout`.
        pub status: &'a str,
        /// The receipt.
        pub value: Document<'a>,
    }
}

crate::variant! {
    enum Verdict<'a> {
        Holds = "holds",
        Reached(&'a str) = "reached",
    }
}

/// Says that the monitor had something to judge, and that it held. What never says so fails a
/// campaign: it tested nothing.
pub fn holds(output: &mut Output<'_>) {
    output.event(VERDICT, &Verdict::Holds);
}

/// Says that something is wrong: what was expected, and what was found. Failures of which the same
/// was expected are taken for one, so whose it is belongs to what was found.
pub fn violated(
    output: &mut Output<'_>,
    expected: &(impl Encode + ?Sized),
    found: &(impl Encode + ?Sized),
) {
    output.event(VERDICT, &Violated(expected, found));
}

/// Says that something was seen that a campaign must see: a name of those that `reaches` lists.
pub fn reached(output: &mut Output<'_>, name: &str) {
    output.event(VERDICT, &Verdict::Reached(name));
}

/// What was expected and what was found.
struct Violated<'a, E: ?Sized, F: ?Sized>(&'a E, &'a F);

impl<E: Encode + ?Sized, F: Encode + ?Sized> Encode for Violated<'_, E, F> {
    fn encode<S: Sink>(&self, out: &mut S) {
        crate::schema::open_arm(out, "violated");
        out.map(2);
        out.text("expected");
        self.0.encode(out);
        out.text("found");
        self.1.encode(out);
    }
}
