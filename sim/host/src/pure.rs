//! Pure modules: a function from bytes to bytes, in wasm.
//!
//! The ABI is a reducer's, with `run` in the place of `step`, and other envelopes:
//! `{version: 1, input: bytes, ctx?: bytes}` goes in and `{output: bytes}` comes out. Each call has
//! a fresh instance, so that an answer follows from its input alone. What the bytes inside mean is
//! not looked at.

use std::path::Path;

use super::reader::{Field, Reader, Span};
use super::{Code, Limits, LoadError, StepError};
use sim_air::{Hash, cbor};

const ABI_VERSION: u64 = 1;

const OUTPUT: [Field; 1] = [Field {
    name: "output",
    required: true,
}];

/// A pure module, compiled. Clones share the code.
#[derive(Clone)]
pub struct PureCode(Code);

impl PureCode {
    /// Checks and compiles `wasm`: see [`Code::load`].
    ///
    /// # Errors
    /// What a reducer is refused for; the function is `run`.
    pub fn load(
        wasm: &[u8],
        limits: Limits,
        cache_dir: Option<&Path>,
    ) -> Result<PureCode, LoadError> {
        Code::load_to_call("run", wasm, limits, cache_dir).map(PureCode)
    }

    /// The hash of the wasm binary.
    pub fn hash(&self) -> Hash {
        self.0.hash()
    }

    /// What the module answers.
    ///
    /// # Errors
    /// As a step has them: a trap, a bound that was overrun, an answer that is no envelope.
    pub fn call(&self, input: &[u8], ctx: Option<&[u8]>) -> Result<Vec<u8>, StepError> {
        let mut envelope = Vec::with_capacity(input.len() + ctx.map_or(0, <[u8]>::len) + 64);
        cbor::write_head(&mut envelope, cbor::MAP, 2 + u64::from(ctx.is_some()));
        if let Some(ctx) = ctx {
            cbor::write_text(&mut envelope, "ctx");
            cbor::write_bytes(&mut envelope, ctx);
        }
        cbor::write_text(&mut envelope, "input");
        cbor::write_bytes(&mut envelope, input);
        cbor::write_text(&mut envelope, "version");
        cbor::write_nat(&mut envelope, ABI_VERSION);
        let mut answer = self.0.instance()?.call_once(&envelope)?;
        let (mut joined, mut span) = (Vec::new(), Span::EMPTY);
        let mut reader = Reader::new(&answer, &mut joined);
        reader.map(&OUTPUT, |reader, _| {
            span = reader.bytes()?;
            Ok(())
        })?;
        reader.end()?;
        answer.extend_from_slice(&joined);
        Ok(answer[span.start..span.end].to_vec())
    }
}
