//! A decision of the environment: one list of verbs, and what each of them needs.
//!
//! A [`Decision`] names things and holds values in one of two ways. In a scenario it has texts and
//! bytes, so that it still means the same when others before it are gone. In a trace it has the ids
//! of the trace's table ([`Choice`](crate::trace::Choice)), so that taking it allocates nothing:
//! with texts, a step took 6 % more instructions, a transition of the explorer 7 %.
//! [`Decision::try_map`] turns one form into the other. The simulator says what a decision does.

use std::fmt;

use serde::{Deserialize, Serialize};
use sim_air::SchemaId;

/// Makes an enum of one list of variants and the words that files and reports have for them.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident $word:literal;)* }) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[$what])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: [$name; [$($word),*].len()] = [$($name::$variant),*];

            /// As files and reports spell it.
            #[inline]
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// What a decision does: the kinds of [`Decision`]. Their order is part of every digest.
    Verb {
        /// A request is started.
        Start "start";
        /// A message arrives.
        Deliver "deliver";
        /// A second copy of a message sets out.
        Duplicate "duplicate";
        /// A message is lost, for now.
        Drop "drop";
        /// A lost message arrives after all.
        Redeliver "redeliver";
        /// A plan takes its next step.
        Step "step";
        /// An effect of a plan is answered.
        Receipt "receipt";
        /// A timer fires, or another effect of a reducer is answered.
        Fire "fire";
        /// A spurious event arrives.
        Inject "inject";
        /// Time goes on.
        Advance "advance";
        /// The kernel writes a snapshot.
        Snapshot "snapshot";
        /// The kernel dies while an event arrives.
        Crash "crash";
    }
}

words! {
    /// When the kernel dies, as seen from the event that is arriving.
    CrashPoint {
        /// The event is not in the journal: whoever sent it still has it.
        BeforeAppend "before_append";
        /// The event is in the journal, and nothing has seen it.
        AfterAppend "after_append";
        /// All that came of the event is in the journal, and nothing of it has been sent.
        BeforeDispatch "before_dispatch";
    }
}

words! {
    /// What a kernel is rebuilt from.
    Recovery {
        /// The whole journal.
        Journal "journal";
        /// The last snapshot and the journal after it; the whole journal where there is none.
        Snapshot "snapshot";
    }
}

words! {
    /// The status of a receipt.
    Status {
        /// It was done.
        Ok "ok";
        /// It could not be done.
        Error "error";
        /// It took too long.
        Timeout "timeout";
    }
}

/// A decision of the environment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Decision<Request = String, Text = String, Bytes = Vec<u8>, Reply = String> {
    /// Send a request's first event.
    Start {
        /// Which.
        request: Request,
    },
    /// Deliver a message in flight.
    Deliver(ItemName<Text>),
    /// Put a second copy of a message in flight.
    Duplicate(ItemName<Text>),
    /// Take a message out of flight.
    Drop(ItemName<Text>),
    /// Deliver a message that was dropped.
    Redeliver(ItemName<Text>),
    /// Let a plan instance take its next step; `answer` stands in for the event it would raise.
    Step {
        /// The instance.
        plan: ItemName<Text>,
        /// What is answered, where an answer is chosen.
        answer: Option<Reply>,
    },
    /// Answer an effect that a plan awaits.
    Receipt {
        /// Which.
        effect: ItemName<Text>,
        /// What is answered.
        answer: Reply,
        /// The canonical receipt, where it is not the plain one of that answer.
        value: Option<Bytes>,
    },
    /// Fire a timer: when it is due, or at a time. `twice` leaves a copy that can fire again.
    Fire {
        /// Which.
        timer: ItemName<Text>,
        /// When, in virtual time; None is when it is due.
        at_ns: Option<u64>,
        /// That of its receipt.
        status: Status,
        /// It stays in flight, to fire again.
        twice: bool,
        /// The canonical receipt, where it is not the plain one.
        value: Option<Bytes>,
    },
    /// Deliver a spurious event: one that is not in flight.
    Inject {
        /// That of the event.
        schema: SchemaId,
        /// The canonical event.
        value: Bytes,
        /// The canonical key of the cell that it goes to, where it tells of a receipt.
        cell: Option<Bytes>,
    },
    /// Set the clock.
    Advance {
        /// To this virtual time.
        to_ns: u64,
    },
    /// Have the kernel write down all that it knows.
    Snapshot,
    /// Have the kernel die while an event arrives, and rebuild it. `during` brings the event.
    Crash {
        /// When.
        point: CrashPoint,
        /// From what it is rebuilt.
        recovery: Recovery,
        /// What brings the event.
        during: Box<Decision<Request, Text, Bytes, Reply>>,
    },
}

/// Something in flight, by what it is, whose it is and its place among those alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ItemName<Text = String> {
    /// The tag of its event's arm, or the local name of a schema, plan or kind of effect.
    pub label: Text,
    /// The request that it belongs to, if that is known.
    pub correlation: Option<Text>,
    /// 1 is the oldest of those with the same label and request.
    pub nth: u32,
}

impl Verb {
    /// Whether it brings an event to the kernel, which a crash may meet.
    #[inline]
    pub const fn arrives(self) -> bool {
        use Verb::{Deliver, Fire, Inject, Redeliver, Start};
        matches!(self, Start | Deliver | Redeliver | Fire | Inject)
    }

    /// Whether it is about something in flight.
    #[inline]
    pub const fn names_item(self) -> bool {
        use Verb::{Advance, Crash, Inject, Snapshot, Start};
        !matches!(self, Start | Inject | Advance | Snapshot | Crash)
    }

    /// The verb of a name.
    pub fn named(name: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.name() == name)
    }
}

impl<Request, Text, Bytes, Reply> Decision<Request, Text, Bytes, Reply> {
    /// What it does.
    #[inline]
    pub fn verb(&self) -> Verb {
        match self {
            Decision::Start { .. } => Verb::Start,
            Decision::Deliver(_) => Verb::Deliver,
            Decision::Duplicate(_) => Verb::Duplicate,
            Decision::Drop(_) => Verb::Drop,
            Decision::Redeliver(_) => Verb::Redeliver,
            Decision::Step { .. } => Verb::Step,
            Decision::Receipt { .. } => Verb::Receipt,
            Decision::Fire { .. } => Verb::Fire,
            Decision::Inject { .. } => Verb::Inject,
            Decision::Advance { .. } => Verb::Advance,
            Decision::Snapshot => Verb::Snapshot,
            Decision::Crash { .. } => Verb::Crash,
        }
    }

    /// Whether it brings a spurious event.
    pub fn is_spurious(&self) -> bool {
        self.without_crash().verb() == Verb::Inject
    }

    /// The decision without the crash that it meets.
    pub fn without_crash(&self) -> &Self {
        match self {
            Decision::Crash { during, .. } => during.without_crash(),
            other => other,
        }
    }

    /// The decision without the crash that it meets.
    pub fn without_crash_mut(&mut self) -> &mut Self {
        match self {
            Decision::Crash { during, .. } => during.without_crash_mut(),
            other => other,
        }
    }

    /// What it names in flight.
    pub fn item(&self) -> Option<&ItemName<Text>> {
        match self.without_crash() {
            Decision::Deliver(item)
            | Decision::Duplicate(item)
            | Decision::Drop(item)
            | Decision::Redeliver(item)
            | Decision::Step { plan: item, .. }
            | Decision::Receipt { effect: item, .. }
            | Decision::Fire { timer: item, .. } => Some(item),
            _ => None,
        }
    }

    /// The answer that it gives.
    pub fn answer(&self) -> Option<&Reply> {
        match self.without_crash() {
            Decision::Step { answer, .. } => answer.as_ref(),
            Decision::Receipt { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// The answer that it gives.
    pub fn answer_mut(&mut self) -> Option<&mut Reply> {
        match self.without_crash_mut() {
            Decision::Step { answer, .. } => answer.as_mut(),
            Decision::Receipt { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// What it names in flight.
    pub fn item_mut(&mut self) -> Option<&mut ItemName<Text>> {
        match self.without_crash_mut() {
            Decision::Deliver(item)
            | Decision::Duplicate(item)
            | Decision::Drop(item)
            | Decision::Redeliver(item)
            | Decision::Step { plan: item, .. }
            | Decision::Receipt { effect: item, .. }
            | Decision::Fire { timer: item, .. } => Some(item),
            _ => None,
        }
    }

    /// The same decision with its request, texts, values and answer in another form. The functions
    /// are given `context`; None if there is no such request, or no such answer.
    pub fn try_map<Context, ToRequest, ToText, ToBytes, ToReply>(
        &self,
        context: &mut Context,
        request: &impl Fn(&Context, &Request) -> Option<ToRequest>,
        text: &impl Fn(&mut Context, &Text) -> ToText,
        bytes: &impl Fn(&mut Context, &Bytes) -> ToBytes,
        reply: &impl Fn(&Context, &Reply) -> Option<ToReply>,
    ) -> Option<Decision<ToRequest, ToText, ToBytes, ToReply>> {
        let mut item = |of: &ItemName<Text>| ItemName {
            label: text(context, &of.label),
            correlation: of.correlation.as_ref().map(|id| text(context, id)),
            nth: of.nth,
        };
        Some(match self {
            Decision::Start { request: of } => Decision::Start {
                request: request(context, of)?,
            },
            Decision::Deliver(of) => Decision::Deliver(item(of)),
            Decision::Duplicate(of) => Decision::Duplicate(item(of)),
            Decision::Drop(of) => Decision::Drop(item(of)),
            Decision::Redeliver(of) => Decision::Redeliver(item(of)),
            Decision::Step { plan, answer } => Decision::Step {
                plan: item(plan),
                answer: match answer {
                    None => None,
                    Some(answer) => Some(reply(context, answer)?),
                },
            },
            Decision::Receipt {
                effect,
                answer,
                value,
            } => Decision::Receipt {
                effect: item(effect),
                answer: reply(context, answer)?,
                value: value.as_ref().map(|value| bytes(context, value)),
            },
            Decision::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => Decision::Fire {
                timer: item(timer),
                at_ns: *at_ns,
                status: *status,
                twice: *twice,
                value: value.as_ref().map(|value| bytes(context, value)),
            },
            Decision::Inject {
                schema,
                value,
                cell,
            } => Decision::Inject {
                schema: *schema,
                value: bytes(context, value),
                cell: cell.as_ref().map(|key| bytes(context, key)),
            },
            Decision::Advance { to_ns } => Decision::Advance { to_ns: *to_ns },
            Decision::Snapshot => Decision::Snapshot,
            Decision::Crash {
                point,
                recovery,
                during,
            } => Decision::Crash {
                point: *point,
                recovery: *recovery,
                during: Box::new(during.try_map(context, request, text, bytes, reply)?),
            },
        })
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.label)?;
        if let Some(correlation) = &self.correlation {
            write!(out, " of {correlation:?}")?;
        }
        if self.nth > 1 {
            write!(out, " (number {})", self.nth)?;
        }
        Ok(())
    }
}
