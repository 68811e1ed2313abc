//! Where a guest was when it stopped: the functions that it was in, by name.
//!
//! A place is the same on any machine, and the same for instrumented code as for the original:
//! indices and offsets are those of the original binary. What may differ between processors, how
//! deep a recursion went, is left out.

use std::fmt;

use wasmtime::WasmBacktrace;

use super::Code;
use super::anatomy::Anatomy;
use super::instrument::Origins;

/// How many of the innermost frames are looked at.
pub(super) const FRAMES_MAX: usize = 64;

/// How many functions are named.
const NAMED_MAX: usize = 8;

/// The functions that a guest was in when it stopped, innermost first, by name. A function without
/// a name is told by its index, and the byte of the module where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallStack {
    functions: Vec<String>,
    /// There were more.
    is_cut: bool,
}

impl CallStack {
    pub fn functions(&self) -> &[String] {
        &self.functions
    }
}

impl fmt::Display for CallStack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.functions.is_empty() {
            return Ok(());
        }
        write!(out, "; in {}", self.functions.join(" < "))?;
        if self.is_cut {
            out.write_str(" < …")?;
        }
        Ok(())
    }
}

/// The functions that called each other until the stack was exhausted, by index. Which of them was
/// the last one, and how often each was called, may differ between processors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recursion {
    functions: Vec<String>,
}

impl fmt::Display for Recursion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.functions.as_slice() {
            [] => Ok(()),
            functions => write!(out, " by the recursion of {}", functions.join(", ")),
        }
    }
}

/// One function on the guest's stack, in terms of the original binary.
pub(super) struct Frame {
    function: u32,
    /// In bytes from the beginning of the file; of a call, if the function called another.
    offset: Option<u32>,
}

/// The innermost frames that come with an error of the engine, innermost first.
pub(super) fn frames(error: &wasmtime::Error, origins: Option<&Origins>) -> Vec<Frame> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let frames = trace.frames().iter();
    let Some(origins) = origins else {
        return frames
            .map(|frame| Frame {
                function: frame.func_index(),
                offset: frame.module_offset().and_then(|it| it.try_into().ok()),
            })
            .collect();
    };
    // The function that instruments have added is no function of the original.
    frames
        .filter(|frame| origins.has(frame.func_index()))
        .map(|frame| Frame {
            function: frame.func_index(),
            offset: frame
                .func_offset()
                .and_then(|offset| origins.original(frame.func_index(), offset)),
        })
        .collect()
}

impl CallStack {
    /// Functions of libraries are left out where there are others, and so are those without a name
    /// where they would only lead to a panic whose place is known.
    pub(super) fn of(frames: &[Frame], code: &Code, has_place: bool) -> CallStack {
        let anatomy = code.anatomy();
        let is_telling = |frame: &&Frame| {
            !anatomy.names.is_of_a_library(frame.function)
                && (anatomy.names.knows(frame.function) || !has_place)
        };
        let mut telling: Vec<&Frame> = frames.iter().filter(is_telling).collect();
        if telling.is_empty() && !has_place {
            telling = frames.iter().collect();
        }
        // A function that calls itself is named once.
        telling.dedup_by_key(|frame| frame.function);
        let is_cut = telling.len() > NAMED_MAX || frames.len() == FRAMES_MAX;
        telling.truncate(NAMED_MAX);
        let offsets: Vec<_> = telling.iter().map(|frame| frame.offset).collect();
        let lines = anatomy.debug.lines(code.wasm(), &offsets);
        let functions = telling.iter().zip(lines);
        CallStack {
            functions: functions
                .map(|(frame, line)| place(frame, line, anatomy))
                .collect(),
            is_cut,
        }
    }
}

fn place(frame: &Frame, line: Option<String>, anatomy: &Anatomy) -> String {
    let name = anatomy.names.of(frame.function);
    match frame.offset {
        _ if let Some(line) = line => format!("{name} ({line})"),
        Some(offset) if !anatomy.names.knows(frame.function) => format!("{name} at {offset:#x}"),
        _ => name,
    }
}

impl Recursion {
    pub(super) fn of(frames: &[Frame], anatomy: &Anatomy) -> Recursion {
        let mut indices: Vec<u32> = frames.iter().map(|frame| frame.function).collect();
        indices.sort_unstable();
        let recurring = indices.chunk_by(|a, b| a == b).filter(|it| it.len() > 1);
        let functions = recurring
            .take(NAMED_MAX)
            .map(|each| anatomy.names.of(each[0]))
            .collect();
        Recursion { functions }
    }
}
