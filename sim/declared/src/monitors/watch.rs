//! Runs a monitor beside a run: each turn goes through it, and what it says is told.

use std::sync::Arc;

use super::moment::{MOMENT, Writer};
use super::verdict::{EXPECTED, VERDICT, Verdict};
use sim_host::{Code, Instance, Output, StepError, StepInput};
use sim_kernel::World;
use sim_model::{Finding, Observer, Seen, Verdicts};
use sim_record::trace::{End, Key, Packer, Trace, Unpacker};

/// Its places among its properties.
const MUST_HOLD: usize = 0;
const JUDGED: usize = 1;
const REACHED: usize = 2;

/// One step in so many is taken again on a fresh instance: a monitor is a function of its input, or
/// a run would be judged by the runs before it. A prime, so that it meets every turn of a run.
const STEPS_PER_CHECK: u64 = 61;

/// The most bytes of a monitor's state.
const MOST_STATE_BYTES: usize = 64 << 10;

/// A monitor that watches runs.
pub(super) struct Monitoring<'w> {
    world: &'w World,
    code: &'w Code,
    reaches: Vec<String>,
    /// Made when there is a first turn.
    instance: Option<Instance>,
    steps: u64,
    output: Output,
    moment: Vec<u8>,
}

/// What a monitor remembers of a run: its state, as it wrote it.
#[derive(Clone, Default)]
pub(super) struct State(Option<Arc<[u8]>>);

impl<'w> Monitoring<'w> {
    pub fn new(world: &'w World, code: &'w Code, reaches: Vec<String>) -> Monitoring<'w> {
        Monitoring {
            world,
            code,
            reaches,
            instance: None,
            steps: 0,
            output: Output::default(),
            moment: Vec::new(),
        }
    }

    /// Takes what was written through the monitor; its new state.
    fn step(&mut self, state: &State, to: &mut Verdicts<'_>) -> State {
        let found = match self.run(state) {
            Ok(()) => self.tell(to),
            Err(error) => Err(("the monitor judges".to_owned(), error)),
        };
        match found {
            Ok(()) => {
                let bytes = self.output.state();
                // Most turns leave it as it was.
                match bytes == state.0.as_deref() {
                    true => state.clone(),
                    false => State(bytes.map(Arc::from)),
                }
            }
            Err((expected, found)) => {
                to.note(MUST_HOLD, Finding::violated(expected, found));
                state.clone()
            }
        }
    }

    fn run(&mut self, state: &State) -> Result<(), String> {
        let in_words = |error: StepError| error.to_string();
        let input = StepInput {
            state: state.0.as_deref(),
            schema: MOMENT,
            value: &self.moment,
            key: None,
            ctx: None,
        };
        let instance = match &mut self.instance {
            Some(instance) => instance,
            none => none.insert(self.code.instance().map_err(in_words)?),
        };
        instance.step(&input, &mut self.output).map_err(in_words)?;
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_CHECK) {
            let mut again = Output::default();
            instance.renew().map_err(in_words)?;
            instance.step(&input, &mut again).map_err(in_words)?;
            if again != self.output {
                return Err("it keeps something beside its state: \
                     a fresh instance gave another answer"
                    .to_owned());
            }
        }
        Ok(())
    }

    /// Tells what the monitor said.
    fn tell(&self, to: &mut Verdicts<'_>) -> Result<(), (String, String)> {
        let wrong = |expected: &str, found: String| Err((expected.to_owned(), found));
        if let Some(effect) = self.output.effects().next() {
            return wrong("a monitor asks for nothing", format!("`{}`", effect.kind));
        }
        let bytes = self.output.state().map_or(0, <[u8]>::len);
        if bytes > MOST_STATE_BYTES {
            let expected = format!("a monitor's state of at most {MOST_STATE_BYTES} bytes");
            return wrong(&expected, format!("{bytes} bytes"));
        }
        for event in self.output.events() {
            if event.schema != VERDICT {
                let expected = format!("an event of the schema `{VERDICT}`");
                return wrong(&expected, format!("`{}`", event.schema));
            }
            match Verdict::read(event.value) {
                Err(error) => {
                    let expected = format!("a `{VERDICT}`: {EXPECTED}");
                    let error = error.to_string();
                    let found = error.strip_prefix("decode error: ").unwrap_or(&error);
                    return wrong(&expected, found.to_owned());
                }
                Ok(Verdict::Reached(name)) => {
                    let Some(place) = self.reaches.iter().position(|known| *known == name) else {
                        let expected = "a name that `reaches` of the monitor lists";
                        return wrong(expected, format!("`{name}`"));
                    };
                    to.reach(REACHED + place);
                }
                Ok(Verdict::Holds) => {
                    to.reach(JUDGED);
                    to.note(MUST_HOLD, Finding::Holds);
                }
                Ok(Verdict::Violated(expected, found)) => {
                    to.reach(JUDGED);
                    to.note(MUST_HOLD, Finding::violated(expected, found));
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, trace: &Trace, write: impl FnOnce(&mut Writer<'_>)) {
        self.moment.clear();
        write(&mut Writer {
            world: self.world,
            trace,
            out: &mut self.moment,
        });
    }
}

impl Observer for Monitoring<'_> {
    type Memory = State;

    fn end_turn(&mut self, state: &mut State, seen: &Seen<'_>, to: &mut Verdicts<'_>) {
        self.write(seen.trace, |writer| writer.turn(seen));
        *state = self.step(state, to);
    }

    fn finish(&mut self, state: &State, trace: &Trace, to: &mut Verdicts<'_>) {
        if trace.is_quiescent || trace.end == Some(End::LivenessBound) {
            self.write(trace, |writer| writer.rest());
            self.step(state, to);
        }
    }

    fn pack(State(state): &State, packer: &mut Packer<'_>) {
        packer.flag(state.is_some());
        if let Some(bytes) = state {
            packer.row(bytes);
        }
    }

    fn unpack(packed: &mut Unpacker<'_>, _: &Trace) -> State {
        State(packed.flag().then(|| packed.items().into()))
    }

    fn write_key(State(state): &State, _: &Trace, key: &mut Key) {
        key.word(state.is_some().into());
        key.items(state.as_deref().unwrap_or_default());
    }
}
