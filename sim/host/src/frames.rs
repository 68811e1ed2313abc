//! What the engine says of where a guest was, in terms of the original binary and in names.

use wasmtime::WasmBacktrace;

use super::Code;
use super::anatomy::Anatomy;
use super::call_stack::{CallStack, FRAMES_MAX, Recursion};
use super::instrument::Origins;

/// How many functions are named.
const NAMED_MAX: usize = 8;

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
