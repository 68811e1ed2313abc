//! Properties: what must hold in every run, what must happen in some, where every run must end.
//!
//! A [`Property`] is a name, a sentence and a kind. Who watches runs for it is an
//! [`Observer`](crate::Observer), which answers with a [`Finding`]. Judges nothing.

use std::borrow::Cow;

use smallvec::SmallVec;

/// Something that is asked of the runs of a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// As reports and case files call it; unique in its world.
    pub name: Cow<'static, str>,
    /// What must hold, or what was seen, as a sentence without its full stop.
    pub says: Cow<'static, str>,
    /// What is asked of runs.
    pub kind: Kind,
    /// The world's model asks for it: it says what the world is for.
    pub is_of_model: bool,
}

/// How a property is asked, in the terms of temporal logic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It holds at every turn. If a run `goes_on` after a violation, what follows is still what the
    /// documents say.
    Always {
        /// What tells one failure that violates it from another.
        known_by: KnownBy,
        /// Whether a run is still of use once it is violated.
        goes_on: bool,
    },
    /// It holds at the end of a run whose faults have stopped.
    Eventually {
        /// What tells one failure that violates it from another.
        known_by: KnownBy,
    },
    /// It is seen in some run of a campaign, or the campaign tested less than it claims.
    Sometimes {
        /// Of which campaigns.
        asked: Asked,
    },
}

/// What tells one failure that violates a property from another: see
/// [`Signature`](crate::Signature).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownBy {
    /// The turn: its event, how the state changed, what went out.
    Turn,
    /// The turn, and what was found in it.
    Both,
    /// What was found: the run as a whole is to blame, or a plan.
    Found,
    /// What was expected: whoever judges says by it what it is that is wrong.
    Expected,
}

/// Of which campaigns a `sometimes` is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Of every one, however small.
    Always,
    /// Of those of so many seeds or more.
    From(u64),
    /// Of none: reports say whether it was reached.
    Never,
}

impl Asked {
    /// Whether it is asked of a campaign of so many seeds.
    pub fn of(self, seeds: u64) -> bool {
        match self {
            Asked::Always => true,
            Asked::From(least) => seeds >= least,
            Asked::Never => false,
        }
    }
}

/// A campaign on fewer seeds is not asked for what a model's `sometimes` say.
pub const SEEDS_FOR_SOMETIMES: u64 = 2_000;
/// A campaign on fewer seeds is not asked that every event that clients send was accepted.
pub const SEEDS_FOR_ARMS: u64 = 64;

impl Property {
    /// Of any world, violated by a turn.
    pub const fn always(name: &'static str, says: &'static str) -> Property {
        Property {
            name: Cow::Borrowed(name),
            says: Cow::Borrowed(says),
            kind: Kind::Always {
                known_by: KnownBy::Turn,
                goes_on: false,
            },
            is_of_model: false,
        }
    }

    /// Of any world, judged at the end of a run.
    pub const fn eventually(name: &'static str, says: &'static str) -> Property {
        Property::always(name, says).with_kind(Kind::Eventually {
            known_by: KnownBy::Found,
        })
    }

    /// Of any world, to be reached.
    pub fn sometimes(
        name: impl Into<Cow<'static, str>>,
        says: impl Into<Cow<'static, str>>,
        asked: Asked,
    ) -> Property {
        Property {
            name: name.into(),
            says: says.into(),
            kind: Kind::Sometimes { asked },
            is_of_model: false,
        }
    }

    /// The same as [`Property::always`], declared by an author.
    pub fn declared(name: String, says: String) -> Property {
        Property {
            name: name.into(),
            says: says.into(),
            ..Property::always("", "")
        }
    }

    /// The same as [`Property::eventually`], declared by an author.
    pub fn declared_eventually(name: String, says: String) -> Property {
        Property {
            name: name.into(),
            says: says.into(),
            ..Property::eventually("", "")
        }
    }

    /// The same, with failures known by something else than their turn.
    pub const fn known_by(self, by: KnownBy) -> Property {
        let kind = match self.kind {
            Kind::Always { goes_on, .. } => Kind::Always {
                known_by: by,
                goes_on,
            },
            Kind::Eventually { .. } => Kind::Eventually { known_by: by },
            sometimes => sometimes,
        };
        self.with_kind(kind)
    }

    /// The same; a run goes on after it is violated.
    pub const fn going_on(self) -> Property {
        let kind = match self.kind {
            Kind::Always { known_by, .. } => Kind::Always {
                known_by,
                goes_on: true,
            },
            other => other,
        };
        self.with_kind(kind)
    }

    const fn with_kind(mut self, kind: Kind) -> Property {
        self.kind = kind;
        self
    }

    /// The same, asked for by a model.
    pub const fn of_model(mut self) -> Property {
        self.is_of_model = true;
        self
    }

    /// It can be violated, and holds or is not applicable otherwise.
    pub fn must_hold(&self) -> bool {
        !matches!(self.kind, Kind::Sometimes { .. })
    }

    /// Of which campaigns it is asked that it is reached; None if it is not of that kind.
    pub fn asked(&self) -> Option<Asked> {
        match self.kind {
            Kind::Sometimes { asked } => Some(asked),
            _ => None,
        }
    }

    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.kind, Kind::Always { goes_on: true, .. })
    }

    pub(crate) fn is_known_by(&self) -> KnownBy {
        match self.kind {
            Kind::Always { known_by, .. } | Kind::Eventually { known_by } => known_by,
            Kind::Sometimes { .. } => KnownBy::Found,
        }
    }
}

/// What an observer found of a property in one step, turn or run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// It says nothing of this. This never counts as a pass.
    NotApplicable,
    /// It had something to say, and held.
    Holds,
    /// What was expected and what was found: rare, and small where it is not.
    Violated(Box<(String, String)>),
}

impl Finding {
    /// Holds if the condition does; the texts, what was expected and what was found, are made only
    /// when they are needed.
    pub fn check(holds: bool, texts: impl FnOnce() -> (String, String)) -> Finding {
        if holds {
            return Finding::Holds;
        }
        Finding::Violated(Box::new(texts()))
    }

    /// It does not hold.
    pub fn violated(expected: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::Violated(Box::new((expected.into(), found.into())))
    }
}

/// A set of properties of one world, by their places in its list.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PropertySet(SmallVec<[u64; 2]>);

impl PropertySet {
    /// Takes in a property, by its place.
    #[inline]
    pub fn insert(&mut self, index: usize) {
        let word = index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    /// Those of both.
    pub fn join(&mut self, other: &PropertySet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(one, other)| *one |= other);
    }

    /// Whether a property is in it, by its place.
    #[inline]
    pub fn contains(&self, index: usize) -> bool {
        let word = self.0.get(index / 64);
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Whether all of the other's are among these.
    pub fn covers(&self, other: &PropertySet) -> bool {
        other.0.iter().enumerate().all(|(index, word)| {
            let own = self.0.get(index).copied().unwrap_or(0);
            word & !own == 0
        })
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The places of all in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let places = 0..self.0.len() * 64;
        places.filter(|place| self.contains(*place))
    }
}

impl FromIterator<usize> for PropertySet {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> PropertySet {
        let mut set = PropertySet::default();
        places.into_iter().for_each(|place| set.insert(place));
        set
    }
}
