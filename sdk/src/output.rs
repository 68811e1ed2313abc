//! What a step gives out.
//!
//! Owns the names in the output envelope and their order: state, events, effects, annotations. What
//! is given out is written at once, where it belongs, so that nothing is allocated.

use crate::cbor::{Buffer, MAJOR_BYTES, Sink};
use crate::encode::Encode;
use crate::{Input, Refusal};

/// What a step gives out: a state, events and effects.
///
/// A step that gives out nothing ignores its event: the state stays as it came, to the byte.
///
/// ```
/// fn step(input: &sdk::Input, output: &mut sdk::Output) -> Result<(), sdk::Refusal> {
///     let total: u64 = input.state()?.unwrap_or(0);
///     let by: u64 = input.event()?;
///     output.state(&total.saturating_add(by));
///     if total == 0 {
///         output.event("demo/Begun@1", &by);
///     }
///     Ok(())
/// }
///
/// let answer = sdk::testing::first(&3_u64).step(step)?;
/// assert_eq!(answer.state()?, Some(3_u64));
/// assert_eq!(answer.events[0].schema, "demo/Begun@1");
/// # Ok::<(), sdk::Refusal>(())
/// ```
pub struct Output<'a> {
    /// State, events, effects and assertions, without what is around them.
    out: Buffer<'a>,
    /// The state as it came in.
    before: Option<&'a [u8]>,
    after: After,
    /// Where the state ends, the events, and the effects.
    state_end: usize,
    events_end: usize,
    effects_end: usize,
    event_count: u64,
    effect_count: u64,
    assertion_count: u64,
}

/// What becomes of the state.
#[derive(PartialEq, Eq)]
enum After {
    Unchanged,
    Changed,
    Deleted,
}

impl<'a> Output<'a> {
    pub(crate) fn new(before: Option<&'a [u8]>, space: &'a mut [u8]) -> Output<'a> {
        Output {
            out: Buffer::new(space),
            before,
            after: After::Unchanged,
            state_end: 0,
            events_end: 0,
            effects_end: 0,
            event_count: 0,
            effect_count: 0,
            assertion_count: 0,
        }
    }

    /// The new state; of several the last counts.
    pub fn state(&mut self, state: &(impl Encode + ?Sized)) {
        self.drop_state();
        let length = self.insert(0, |out| document(out, state));
        (self.state_end, self.after) = (length, After::Changed);
        self.events_end += length;
        self.effects_end += length;
    }

    /// No state any more: the cell of a keyed reducer ends, and another begins anew.
    pub fn delete_state(&mut self) {
        self.drop_state();
        self.after = After::Deleted;
    }

    /// An event of that schema.
    pub fn event(&mut self, schema: &str, value: &(impl Encode + ?Sized)) {
        self.put_event(schema, value, None);
    }

    /// An event for the cell of that key.
    pub fn event_to(&mut self, schema: &str, key: &[u8], value: &(impl Encode + ?Sized)) {
        self.put_event(schema, value, Some(key));
    }

    /// An effect of that kind, from a capability slot of the module. A host takes one in a step.
    pub fn effect(&mut self, kind: &str, slot: &str, params: &(impl Encode + ?Sized)) {
        self.put_effect((kind, slot), params, None);
    }

    /// An effect that the host carries out once for all that have this key.
    pub fn effect_once(
        &mut self,
        kind: &str,
        slot: &str,
        idempotency_key: &[u8],
        params: &(impl Encode + ?Sized),
    ) {
        self.put_effect((kind, slot), params, Some(idempotency_key));
    }

    /// Asserts that a condition holds, each time that this is reached. The details are shown where
    /// it does not. What has the same message is the same assertion.
    ///
    /// ```
    /// fn step(input: &sdk::Input, output: &mut sdk::Output) -> Result<(), sdk::Refusal> {
    ///     let total: u64 = input.state()?.unwrap_or(0) + input.event::<u64>()?;
    ///     output.always(total < 100, "the total stays below 100", &total);
    ///     output.state(&total);
    ///     Ok(())
    /// }
    ///
    /// let answer = sdk::testing::given(&99_u64, &1_u64).step(step)?;
    /// assert_eq!(answer.assertions[0].message, "the total stays below 100");
    /// assert!(!answer.assertions[0].holds);
    /// # Ok::<(), sdk::Refusal>(())
    /// ```
    pub fn always(&mut self, holds: bool, message: &str, details: &(impl Encode + ?Sized)) {
        self.put_assertion(("always", message), holds, details);
    }

    /// Asserts that a condition holds at least once in a campaign. `sim.toml` lists its message, so
    /// that it is missed if it never does.
    pub fn sometimes(&mut self, holds: bool, message: &str, details: &(impl Encode + ?Sized)) {
        self.put_assertion(("sometimes", message), holds, details);
    }

    /// Asserts that this is reached at least once in a campaign. `sim.toml` lists its message.
    pub fn reachable(&mut self, message: &str, details: &(impl Encode + ?Sized)) {
        self.put_assertion(("reachable", message), true, details);
    }

    fn put_assertion(
        &mut self,
        (kind, message): (&str, &str),
        holds: bool,
        details: &(impl Encode + ?Sized),
    ) {
        self.assertion_count += 1;
        self.insert(self.out.length(), |out| {
            out.map(4);
            out.text("kind");
            out.text(kind);
            out.text("message");
            out.text(message);
            out.text("holds");
            out.boolean(holds);
            out.text("details");
            details.encode(out);
        });
    }

    fn put_event(&mut self, schema: &str, value: &(impl Encode + ?Sized), key: Option<&[u8]>) {
        self.event_count += 1;
        let length = self.insert(self.events_end, |out| {
            out.map(2 + u64::from(key.is_some()));
            out.text("schema");
            out.text(schema);
            out.text("value");
            document(out, value);
            put_key(out, "key", key);
        });
        self.events_end += length;
        self.effects_end += length;
    }

    fn put_effect(
        &mut self,
        (kind, slot): (&str, &str),
        params: &(impl Encode + ?Sized),
        key: Option<&[u8]>,
    ) {
        self.effect_count += 1;
        self.effects_end += self.insert(self.effects_end, |out| {
            out.map(3 + u64::from(key.is_some()));
            out.text("kind");
            out.text(kind);
            out.text("cap_slot");
            out.text(slot);
            out.text("params_cbor");
            document(out, params);
            put_key(out, "idempotency_key", key);
        });
    }

    fn drop_state(&mut self) {
        self.out.remove_first(self.state_end);
        self.events_end -= self.state_end;
        self.effects_end -= self.state_end;
        self.state_end = 0;
    }

    /// Writes something in between; returns how long it is.
    fn insert(&mut self, at: usize, write: impl FnOnce(&mut Buffer<'a>)) -> usize {
        let start = self.out.length();
        write(&mut self.out);
        self.out.turn(at, start);
        self.out.length() - start
    }

    /// Puts around it what is around it, from the end to the beginning; returns its length.
    pub(crate) fn finish(mut self) -> Result<usize, Refusal> {
        let (events, effects) = (self.event_count, self.effect_count);
        let asserts = self.assertion_count > 0;
        if asserts {
            self.annotate();
        }
        for (at, name, count) in [
            (self.events_end, "effects", effects),
            (self.state_end, "domain_events", events),
        ] {
            if count > 0 {
                self.insert(at, |out| {
                    out.text(name);
                    out.array(count);
                });
            }
        }
        let before = self.before.filter(|_| self.after == After::Unchanged);
        let has_state = self.after == After::Changed;
        self.insert(0, |out| {
            out.map(1 + u64::from(events > 0) + u64::from(effects > 0) + u64::from(asserts));
            out.text("state");
            match before {
                Some(bytes) => out.bytes(bytes),
                None if has_state => {}
                None => out.null(),
            }
        });
        self.out.finish()
    }

    /// Puts the assertions into annotations: a map with one key, in a byte string.
    fn annotate(&mut self) {
        let (at, count) = (self.effects_end, self.assertion_count);
        self.insert(at, |out| {
            out.map(1);
            out.text("assertions");
            out.array(count);
        });
        let length = self.out.length() - at;
        self.insert(at, |out| {
            out.text("ann");
            out.head(MAJOR_BYTES, length as u64);
        });
    }
}

/// A value as a document in a byte string.
fn document(out: &mut Buffer<'_>, value: &(impl Encode + ?Sized)) {
    let start = out.open();
    out.self_described();
    value.encode(out);
    out.close(start);
}

fn put_key(out: &mut Buffer<'_>, name: &str, key: Option<&[u8]>) {
    if let Some(key) = key {
        out.text(name);
        out.bytes(key);
    }
}

/// One step: reads the input envelope, writes the output envelope at the beginning of `space`, and
/// returns its length.
pub fn run(
    step: impl FnOnce(&Input<'_>, &mut Output<'_>) -> Result<(), Refusal>,
    envelope: &[u8],
    space: &mut [u8],
) -> Result<usize, Refusal> {
    let input = Input::read(envelope)?;
    let mut output = Output::new(input.state_bytes(), space);
    step(&input, &mut output)?;
    output.finish()
}
