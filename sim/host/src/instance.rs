//! One instance of a reducer, and the step: encode, `alloc`, copy in, `step`, copy out, decode.
//!
//! An instance is reused for many steps, because making one costs as much as fifteen.
//! That must not be seen in any result, as far as the host can help it. Reducers leak: so a used
//! instance is renewed when its memory goes on growing, long before it comes near the limit, and
//! when a step fails on one it is run again on a fresh instance, whose answer counts. What a
//! reducer refuses, or how much fuel and memory it is short of, is then a matter of its input
//! alone, not of its history.

use std::mem;
use std::ops::Range;

use wasmtime::{Memory, Store, TypedFunc};

use super::code::StepForm;
use super::explain::{explain_call, explain_start, host};
use super::limiter::Limiter;
use super::{Code, Coverage, Output, StepError, StepInput, encode_envelope, instrument};

/// The size of the area where `step` writes the pointer and the length of its output.
const RETURN_AREA_BYTES: u32 = 8;

/// When a reducer that leaks is renewed: once its memory has grown by more than so many bytes, in
/// so many steps or more. Early, its memory lies in the processor's caches and in pages that are
/// kept; measured (`cargo bench -p sim -- leaks`), that costs a step that loses 64 KiB a third of
/// what it costs to go on to the limit. One that only needs much memory has it after a few steps.
const EARLY_BYTES: usize = 512 << 10;
const EARLY_GROWTHS: u32 = 4;

/// A reducer ready to take steps; for one thread at a time.
pub struct Instance {
    code: Code,
    /// `None` after an error: the next step begins with a fresh one.
    live: Option<Live>,
    steps: u64,
    /// See [`Instance::renew_late`].
    is_late: bool,
    /// The input envelope, kept for its room.
    envelope: Vec<u8>,
    /// What the instances that are gone had reached; None for code that is not instrumented, and
    /// until one has gone.
    reached: Option<Box<Coverage>>,
}

/// What an instantiation gives.
struct Live {
    store: Store<Limiter>,
    instance: wasmtime::Instance,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    step: StepFunc,
    fresh_memory_bytes: usize,
    /// The memory after the last step, and how many steps have made it grow.
    memory_bytes: usize,
    growths: u32,
    /// Of instrumented code.
    coverage: Option<Memory>,
}

enum StepFunc {
    ReturnArea(TypedFunc<(u32, u32, u32), ()>),
    MultiValue(TypedFunc<(u32, u32), (u32, u32)>),
}

impl Code {
    /// A fresh instance. At most `Code::instances_max` may live at a time.
    pub fn instance(&self) -> Result<Instance, StepError> {
        Instance::new(self)
    }
}

impl Instance {
    fn new(code: &Code) -> Result<Instance, StepError> {
        let live = Some(Live::new(code)?);
        Ok(Instance {
            code: code.clone(),
            live,
            steps: 0,
            is_late: false,
            envelope: Vec::new(),
            reached: None,
        })
    }

    /// Takes a step and leaves its answer in `output`; after an error that is empty.
    ///
    /// An error is always that of a fresh instance: a step that fails on a used one is run again
    /// on a fresh one, and what that says, an output or an error, is the result.
    pub fn step(&mut self, input: &StepInput<'_>, output: &mut Output) -> Result<(), StepError> {
        let mut envelope = mem::take(&mut self.envelope);
        encode_envelope(input, &mut envelope);
        let result = self.step_encoded(&envelope, output);
        self.envelope = envelope;
        result
    }

    /// `step` with an input envelope that was encoded before (see `encode_envelope`).
    pub fn step_encoded(&mut self, envelope: &[u8], output: &mut Output) -> Result<(), StepError> {
        output.clear();
        if self.is_due_for_renewal() {
            self.renew()?;
        }
        let was_fresh = self.steps == 0;
        let result = self.attempt(envelope, output);
        if result.is_ok() || was_fresh {
            return result;
        }
        self.renew()?;
        self.attempt(envelope, output)
    }

    /// Calls the code with an envelope and gives the bytes of its answer, if this is the first call
    /// of a fresh instance.
    pub(super) fn call_once(mut self, envelope: &[u8]) -> Result<Vec<u8>, StepError> {
        assert_eq!(self.steps, 0);
        match &mut self.live {
            Some(live) => live.answer(&self.code, envelope).map(<[u8]>::to_vec),
            None => Err(no_export()),
        }
    }

    /// Goes back to a fresh instance.
    pub fn renew(&mut self) -> Result<(), StepError> {
        // The old one first, so that its slot in the pool is free for the new one.
        self.lose();
        let mut live = Live::new(&self.code)?;
        if let Some(reached) = &self.reached {
            live.solve(&self.code, reached);
        }
        self.live = Some(live);
        Ok(())
    }

    /// Gives up the present instance, but for what it has reached.
    fn lose(&mut self) {
        if let Some(mut live) = self.live.take()
            && self.code.instruments().is_some()
        {
            live.take_coverage(&self.code, self.reached.get_or_insert_default());
        }
        self.steps = 0;
    }

    /// Adds to `coverage` what was reached since this was last called, on this instance and on
    /// those before it. Nothing is added for code that is not instrumented.
    pub fn take_coverage(&mut self, coverage: &mut Coverage) {
        if let Some(reached) = &mut self.reached {
            reached.move_into(coverage);
        }
        if let Some(live) = &mut self.live {
            live.take_coverage(&self.code, coverage);
        }
    }

    /// How many steps the present instance has answered; 0 if the next one meets a fresh one.
    pub fn steps_since_renewal(&self) -> u64 {
        self.steps
    }

    /// The size of the present memory; 0 where there is none.
    pub fn memory_bytes(&self) -> usize {
        let live = self.live.as_ref();
        live.map_or(0, |live| live.memory.data_size(&live.store))
    }

    fn is_due_for_renewal(&self) -> bool {
        let late_bytes = self.code.limits().memory_bytes / 2;
        self.live.as_ref().is_none_or(|live| {
            let grown_bytes = live.memory_bytes - live.fresh_memory_bytes;
            let is_leaking = grown_bytes > EARLY_BYTES && live.growths >= EARLY_GROWTHS;
            grown_bytes > late_bytes || is_leaking && !self.is_late
        })
    }

    /// From now on the memory may grow until it comes near its limit, or no more so: for who wants
    /// to see how much a reducer loses.
    pub fn renew_late(&mut self, is_late: bool) {
        self.is_late = is_late;
    }

    /// One step on the present instance, which does not outlive an error.
    fn attempt(&mut self, envelope: &[u8], output: &mut Output) -> Result<(), StepError> {
        let Some(live) = &mut self.live else {
            unreachable!("a step begins by renewing an instance that is gone");
        };
        let result = live.step(&self.code, envelope, output);
        match result {
            Ok(()) => {
                self.steps += 1;
                live.note_growth();
            }
            Err(_) => self.lose(),
        }
        result
    }
}

impl Live {
    fn new(code: &Code) -> Result<Live, StepError> {
        let template = code.template();
        let coverage_bytes = code.instruments().map(|made| made.layout.memory_bytes());
        let limiter = Limiter::new(code.limits(), coverage_bytes);
        let mut store = Store::new(template.module().engine(), limiter);
        store.limiter(|limiter| limiter);
        store
            .set_fuel(code.fuel_per_step())
            .map_err(|error| host(&error))?;
        let instance = template
            .instantiate(&mut store)
            .map_err(|error| explain_start(&error, code))?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(no_export)?;
        let alloc = instance
            .get_typed_func(&mut store, "alloc")
            .map_err(|error| host(&error))?;
        let step = match code.form() {
            StepForm::ReturnArea => instance
                .get_typed_func(&mut store, code.entry())
                .map(StepFunc::ReturnArea),
            StepForm::MultiValue => instance
                .get_typed_func(&mut store, code.entry())
                .map(StepFunc::MultiValue),
        };
        let step = step.map_err(|error| host(&error))?;
        let fresh_memory_bytes = memory.data_size(&store);
        let instruments = code.instruments();
        let coverage =
            instruments.and_then(|_| instance.get_memory(&mut store, instrument::EXPORT));
        Ok(Live {
            store,
            instance,
            memory,
            alloc,
            step,
            fresh_memory_bytes,
            memory_bytes: fresh_memory_bytes,
            growths: 0,
            coverage,
        })
    }

    /// Moves what was reached out of the memory for coverage.
    fn take_coverage(&mut self, code: &Code, coverage: &mut Coverage) {
        if let Some((memory, made)) = self.coverage.zip(code.instruments()) {
            let bytes = memory.data_mut(&mut self.store);
            coverage.take_from(bytes, &made.layout, &made.sites);
        }
    }

    /// Lets a fresh instance know which compares were equal before.
    fn solve(&mut self, code: &Code, reached: &Coverage) {
        if let Some((memory, made)) = self.coverage.zip(code.instruments()) {
            reached.write_solved(memory.data_mut(&mut self.store), &made.layout);
        }
    }

    fn note_growth(&mut self) {
        let memory_bytes = self.memory.data_size(&self.store);
        if memory_bytes > self.memory_bytes {
            self.memory_bytes = memory_bytes;
            self.growths += 1;
        }
    }

    fn step(&mut self, code: &Code, envelope: &[u8], output: &mut Output) -> Result<(), StepError> {
        output.decode(self.answer(code, envelope)?)
    }

    /// The bytes of the answer, in the guest's memory.
    fn answer(&mut self, code: &Code, envelope: &[u8]) -> Result<&[u8], StepError> {
        let limits = code.limits();
        self.store
            .set_fuel(code.fuel_per_step())
            .map_err(|error| host(&error))?;
        let length = u32::try_from(envelope.len()).map_err(|_| StepError::InputTooLong {
            length_bytes: envelope.len(),
        })?;
        let pointer = self.allocate(code, length)?;
        self.copy_in(pointer, length, envelope)?;
        let (pointer, length) = self.call_step(code, pointer, length)?;
        let answer = self.slice("output", pointer, length)?;
        if answer.len() > limits.output_bytes {
            let (length_bytes, limit_bytes) = (answer.len(), limits.output_bytes);
            return Err(StepError::OutputTooLong {
                length_bytes,
                limit_bytes,
            });
        }
        Ok(answer)
    }

    fn allocate(&mut self, code: &Code, length: u32) -> Result<u32, StepError> {
        let called = self.alloc.call(&mut self.store, length);
        called.map_err(|error| self.explain(code, &error))
    }

    /// Calls `step` in its form; the output's pointer and length are not yet checked.
    fn call_step(
        &mut self,
        code: &Code,
        pointer: u32,
        length: u32,
    ) -> Result<(u32, u32), StepError> {
        let area = match &self.step {
            StepFunc::MultiValue(step) => {
                let called = step.call(&mut self.store, (pointer, length));
                return called.map_err(|error| self.explain(code, &error));
            }
            StepFunc::ReturnArea(_) => self.allocate(code, RETURN_AREA_BYTES)?,
        };
        self.slice("return area", area, RETURN_AREA_BYTES)?;
        if let StepFunc::ReturnArea(step) = &self.step {
            let called = step.call(&mut self.store, (area, pointer, length));
            called.map_err(|error| self.explain(code, &error))?;
        }
        let words = self.slice("return area", area, RETURN_AREA_BYTES)?;
        let (words, _) = words.as_chunks();
        Ok((u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])))
    }

    #[cold]
    fn explain(&mut self, code: &Code, error: &wasmtime::Error) -> StepError {
        explain_call(error, code, (self.instance, self.memory, &mut self.store))
    }

    /// A part of the guest's memory, if it lies inside.
    #[inline]
    fn slice(&self, what: &'static str, pointer: u32, length: u32) -> Result<&[u8], StepError> {
        let memory = self.memory.data(&self.store);
        let memory_bytes = memory.len();
        let outside = || StepError::BadPointer {
            what,
            pointer,
            length_bytes: length,
            memory_bytes,
        };
        memory.get(range(pointer, length)).ok_or_else(outside)
    }

    /// Copies `bytes` into the guest's memory, if there is room for `length` of them.
    fn copy_in(&mut self, pointer: u32, length: u32, bytes: &[u8]) -> Result<(), StepError> {
        self.slice("input buffer", pointer, length)?;
        let memory = self.memory.data_mut(&mut self.store);
        memory[range(pointer, length)].copy_from_slice(bytes);
        Ok(())
    }
}

/// An end that can't be represented is beyond any memory, and so is the largest that can.
fn range(pointer: u32, length: u32) -> Range<usize> {
    let start = pointer as usize;
    start..start.saturating_add(length as usize)
}

fn no_export() -> StepError {
    StepError::Host {
        message: "the export `memory` is gone since the module was loaded".into(),
    }
}
