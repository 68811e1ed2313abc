//! Compiled code, and what is known of it. How it is made, and what is refused, is `load`'s matter.
//!
//! One engine and one module per reducer, made once and shared by all threads.

use std::sync::{Arc, OnceLock};

use wasmtime::InstancePre;

use super::anatomy::Anatomy;
use super::instrument::{FUEL_FACTOR, Instruments};
use super::limiter::Limiter;
use super::{Constants, Limits, Sites, engine};
use sim_air::Hash;

/// A reducer, compiled. Clones share the code.
#[derive(Clone)]
pub struct Code {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub hash: Hash,
    /// The binary, of which no more is known until somebody asks.
    pub wasm: Box<[u8]>,
    pub anatomy: OnceLock<Anatomy>,
    pub constants: OnceLock<Constants>,
    pub limits: Limits,
    pub template: InstancePre<Limiter>,
    /// The name of the function that is called: `step`, or `run` of a pure module.
    pub entry: &'static str,
    pub form: StepForm,
    pub coverage: Option<Arc<Instruments>>,
}

/// The two forms of `step` in the ABI, which are those of `run` too.
#[derive(Clone, Copy)]
pub(super) enum StepForm {
    /// `(ret, ptr, len) -> ()`: pointer and length of the output are written at `ret`.
    ReturnArea,
    /// `(ptr, len) -> (ptr, len)`.
    MultiValue,
}

impl Code {
    /// The hash of the wasm binary.
    pub fn hash(&self) -> Hash {
        self.inner.hash
    }

    /// Whether a text stands in the binary, in one piece or in the immediates of its code.
    pub fn mentions(&self, text: &str) -> bool {
        // Nearly always it is in one piece, and then nothing is taken apart.
        memchr::memmem::find(&self.inner.wasm, text.as_bytes()).is_some()
            || self.constants().mentions(text)
    }

    /// The bounds that it was loaded with, which hold for each of its steps.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What the original binary knows and compares with, found when this is first called.
    pub fn constants(&self) -> &Constants {
        let inner = &self.inner;
        inner.constants.get_or_init(|| Constants::of(&inner.wasm))
    }

    /// What is counted; None for code that is not instrumented.
    pub fn sites(&self) -> Option<&Sites> {
        self.instruments().map(|instruments| &instruments.sites)
    }

    /// How many instances of one reducer may live at a time: four per processor, 64 at least.
    pub fn instances_max() -> usize {
        engine::instances_max()
    }

    pub(super) fn template(&self) -> &InstancePre<Limiter> {
        &self.inner.template
    }

    /// The original binary.
    pub(super) fn wasm(&self) -> &[u8] {
        &self.inner.wasm
    }

    /// What is known of the original binary, for who explains an error.
    pub(super) fn anatomy(&self) -> &Anatomy {
        let inner = &self.inner;
        inner.anatomy.get_or_init(|| Anatomy::of(&inner.wasm))
    }

    pub(super) fn entry(&self) -> &'static str {
        self.inner.entry
    }

    pub(super) fn form(&self) -> StepForm {
        self.inner.form
    }

    pub(super) fn instruments(&self) -> Option<&Instruments> {
        self.inner.coverage.as_deref()
    }

    /// The fuel of a step, what the instruments spend included.
    pub(super) fn fuel_per_step(&self) -> u64 {
        let fuel = self.limits().fuel_per_step;
        match self.instruments() {
            None => fuel,
            Some(_) => fuel.saturating_mul(FUEL_FACTOR),
        }
    }
}
