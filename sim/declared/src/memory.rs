//! What is remembered of a run: counters by correlation, what came once, the states of cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::common::types::{CelBool, CelList, CelString};
use cel::common::value::Val;

use crate::compiled::Item;
use crate::fields::{Fields, flag, null, text, words};
use crate::numbers::{boxed, number};
use sim_air::ReducerId;
use sim_record::trace::{Element, Key, Packer, Trace, Unpacker, ValueId};

/// Whose something is, if that is known.
pub(crate) type Who = Option<Arc<str>>;

/// What a counter may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(i128),
    Text(Arc<str>),
}

/// Of one run.
#[derive(Clone, Default, Debug)]
pub(crate) struct Memory {
    /// By the place of the counter.
    pub counts: BTreeMap<(u32, Who), Scalar>,
    /// By the place of the rule: it came true.
    pub once: BTreeSet<(u32, Who)>,
    /// By reducer and key.
    pub cells: BTreeMap<(u32, Option<ValueId>), ValueId>,
}

impl Scalar {
    /// A value, if a counter can hold it.
    pub fn of(val: &dyn Val) -> Option<Scalar> {
        if let Some(number) = number(val) {
            return Some(Scalar::Number(number));
        }
        if let Some(text) = val.downcast_ref::<CelString<'_>>() {
            return Some(Scalar::Text(text.inner().into()));
        }
        if let Some(flag) = val.downcast_ref::<CelBool>() {
            return Some(Scalar::Bool(*flag.inner()));
        }
        if let Some(items) = val.downcast_ref::<CelList<'_>>() {
            // Whose something is may be said by several things together.
            let items = items.inner().iter().map(|item| words(item.as_ref()));
            return Some(Scalar::Text(
                items.collect::<Vec<String>>().join(", ").into(),
            ));
        }
        let is_null = val.get_type() == null().get_type();
        is_null.then_some(Scalar::Null)
    }

    /// What a condition gave, if it is told so far that a counter can hold it.
    pub fn seen(item: &Item<'_>) -> Option<Scalar> {
        let text = |text: &[u8]| Some(std::str::from_utf8(text).ok()?.to_owned());
        Some(match item {
            Item::Null => Scalar::Null,
            Item::True => Scalar::Bool(true),
            Item::False => Scalar::Bool(false),
            Item::Number(number) => Scalar::Number(*number),
            Item::Text(value) => Scalar::Text(text(value)?.into()),
            Item::List(items) => {
                let items = items.as_deref().unwrap_or_default();
                let words = items.iter().map(|item| match item {
                    Item::Null => Some("null".to_owned()),
                    Item::True => Some("true".to_owned()),
                    Item::False => Some("false".to_owned()),
                    Item::Number(number) => Some(number.to_string()),
                    Item::Text(value) => Some(format!("{:?}", text(value)?)),
                    _ => None,
                });
                Scalar::Text(words.collect::<Option<Vec<String>>>()?.join(", ").into())
            }
            _ => return None,
        })
    }

    /// As compiled conditions see it.
    pub fn item(&self) -> Item<'_> {
        match self {
            Scalar::Null => Item::Null,
            Scalar::Bool(is) => Item::bool(*is),
            Scalar::Number(number) => match boxed(*number) {
                Some(_) => Item::Number(*number),
                None => Item::Null,
            },
            Scalar::Text(value) => Item::text(value),
        }
    }

    /// As conditions see it.
    pub fn val(&self) -> Box<dyn Val> {
        match self {
            Scalar::Null => null(),
            Scalar::Bool(is) => flag(*is),
            Scalar::Number(number) => boxed(*number).unwrap_or_else(null),
            Scalar::Text(value) => text(value),
        }
    }

    /// As a name of whose something is; None is nobody's.
    pub fn who(&self) -> Who {
        match self {
            Scalar::Null => None,
            Scalar::Bool(is) => Some(is.to_string().into()),
            Scalar::Number(number) => Some(number.to_string().into()),
            Scalar::Text(text) => Some(text.clone()),
        }
    }

    fn pack(&self, packer: &mut Packer<'_>) {
        match self {
            Scalar::Null => packer.number(0),
            Scalar::Bool(is) => packer.number(1).flag(*is),
            Scalar::Number(number) => packer
                .number(2)
                .number(*number as u64)
                .number((*number >> 64) as u64),
            Scalar::Text(text) => pack_text(packer.number(3), text),
        };
    }

    fn unpack(packed: &mut Unpacker<'_>) -> Scalar {
        match packed.number() {
            0 => Scalar::Null,
            1 => Scalar::Bool(packed.flag()),
            2 => {
                let low = u128::from(packed.number());
                Scalar::Number((u128::from(packed.number()) << 64 | low) as i128)
            }
            _ => Scalar::Text(unpack_text(packed)),
        }
    }

    pub fn write_key(&self, key: &mut Key) {
        match self {
            Scalar::Null => key.word(0),
            Scalar::Bool(is) => key.word(1).word((*is).into()),
            Scalar::Number(number) => {
                let words = [*number as u64, (*number >> 64) as u64];
                key.word(2).word(words[0]).word(words[1])
            }
            Scalar::Text(text) => key.word(3).bytes(text.as_bytes()),
        };
    }
}

fn pack_text<'p, 'a>(packer: &'p mut Packer<'a>, text: &str) -> &'p mut Packer<'a> {
    packer.row(text.as_bytes())
}

fn unpack_text(packed: &mut Unpacker<'_>) -> Arc<str> {
    String::from_utf8_lossy(&packed.text()).into()
}

fn pack_who(packer: &mut Packer<'_>, who: &Who) {
    packer.flag(who.is_some());
    if let Some(who) = who {
        pack_text(packer, who);
    }
}

fn unpack_who(packed: &mut Unpacker<'_>) -> Who {
    packed.flag().then(|| unpack_text(packed))
}

fn write_who(who: &Who, key: &mut Key) {
    match who {
        None => key.word(0),
        Some(who) => key.word(1).bytes(who.as_bytes()),
    };
}

impl Memory {
    /// What a counter holds for somebody.
    pub fn count(&self, counter: u32, who: &Who) -> Option<&Scalar> {
        self.counts.get(&(counter, who.clone()))
    }

    /// What a counter holds for each of all correlations, in the order of their names.
    pub fn of_all(&self, counter: u32) -> impl Iterator<Item = (&str, &Scalar)> {
        let all = self.counts.range((counter, None)..(counter + 1, None));
        all.filter_map(|((_, who), scalar)| Some((who.as_deref()?, scalar)))
    }

    /// A counter for all correlations.
    pub fn each(&self, counter: u32) -> Fields {
        let all = self.of_all(counter);
        Fields::of(all.map(|(who, scalar)| (text(who), scalar.val())))
    }

    /// The cells of a reducer, in the order of their keys.
    pub fn cells_of(&self, trace: &Trace, of: ReducerId) -> Vec<(Option<ValueId>, ValueId)> {
        let of = of.index() as u32;
        let all = self.cells.range((of, None)..(of + 1, None));
        let mut cells: Vec<_> = all.map(|((_, key), state)| (*key, *state)).collect();
        cells.sort_by_key(|(key, _)| key.map(|key| trace.bytes(key)));
        cells
    }

    /// The correlations that one of these counters has something for.
    pub fn known(&self, counters: &[u32]) -> BTreeSet<Who> {
        let all = counters.iter().flat_map(|counter| {
            let all = self.counts.range((*counter, None)..(counter + 1, None));
            all.map(|((_, who), _)| who.clone())
        });
        all.collect()
    }

    pub fn pack(&self, packer: &mut Packer<'_>) {
        packer.count(self.counts.len());
        for ((counter, who), scalar) in &self.counts {
            packer.number((*counter).into());
            pack_who(packer, who);
            scalar.pack(packer);
        }
        packer.count(self.once.len());
        for (rule, who) in &self.once {
            packer.number((*rule).into());
            pack_who(packer, who);
        }
        packer.count(self.cells.len());
        for ((reducer, key), state) in &self.cells {
            packer
                .number((*reducer).into())
                .optional_value(*key)
                .value(*state);
        }
    }

    pub fn unpack(packed: &mut Unpacker<'_>) -> Memory {
        let mut memory = Memory::default();
        for _ in 0..packed.count() {
            let key = (packed.small(), unpack_who(packed));
            memory.counts.insert(key, Scalar::unpack(packed));
        }
        for _ in 0..packed.count() {
            memory.once.insert((packed.small(), unpack_who(packed)));
        }
        for _ in 0..packed.count() {
            let key = (packed.small(), packed.optional_value());
            memory.cells.insert(key, packed.value());
        }
        memory
    }

    /// Writes a counter for all correlations.
    pub fn write_each(&self, counter: u32, key: &mut Key) {
        for ((_, who), scalar) in self.counts.range((counter, None)..(counter + 1, None)) {
            write_who(who, key);
            scalar.write_key(key);
        }
        key.word(u64::MAX);
    }

    /// Writes the counters.
    pub fn write_counts(&self, key: &mut Key) {
        key.word(self.counts.len() as u64);
        for ((counter, who), scalar) in &self.counts {
            key.word((*counter).into());
            write_who(who, key);
            scalar.write_key(key);
        }
    }

    /// What decides the verdicts; the cells are the kernel's, and in its key.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        if key.symmetry().is_some() {
            return self.write_sets(trace, key);
        }
        self.write_counts(key);
        key.word(self.once.len() as u64);
        for (rule, who) in &self.once {
            key.word((*rule).into());
            write_who(who, key);
        }
    }

    /// The same without an order: in which one things come depends on the ids in them.
    fn write_sets(&self, trace: &Trace, key: &mut Key) {
        let mut counts = Vec::with_capacity(self.counts.len());
        for ((counter, who), scalar) in &self.counts {
            let element = element_of(*counter, who, key);
            counts.push(match scalar {
                Scalar::Text(text) => key.with_text(element, text.as_bytes()),
                plain => {
                    let mut of_scalar = Key::default();
                    plain.write_key(&mut of_scalar);
                    element.and_print(of_scalar.fingerprint())
                }
            });
        }
        key.set(trace, counts.into_iter());
        let once = self.once.iter();
        let once: Vec<Element> = once
            .map(|(rule, who)| element_of(*rule, who, key))
            .collect();
        key.set(trace, once.into_iter());
    }
}

/// A place, and whose it is about.
fn element_of(place: u32, who: &Who, key: &mut Key) -> Element {
    let element = Element::new(u64::from(place) << 1 | u64::from(who.is_some()));
    match who {
        None => element.and(None),
        Some(who) => key.with_text(element, who.as_bytes()),
    }
}
