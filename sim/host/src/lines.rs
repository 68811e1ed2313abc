//! Which line of a source an instruction was made from, where a module has debug information.
//!
//! Only the line programs of `.debug_line` are read, one after the other, and each once: what they
//! cost grows with their length alone. A section that is malformed tells less, and is no error.

use std::borrow::Cow;
use std::ops::Range;

use gimli::{
    AttributeValue, DebugLine, DebugLineOffset, EndianSlice, LineProgramHeader, LineRow,
    LittleEndian, Reader,
};
use wasmparser::CustomSectionReader;

use super::excerpt::excerpt;

/// The most debug information that is read, in bytes.
const DEBUG_LINE_BYTES_MAX: usize = 4 << 20;

/// How many parts of a path are shown, from its end: where the rest lies differs between machines.
const PATH_PARTS: usize = 3;

/// Where the source of libraries lies that come with a compiler. A line of theirs that was inlined
/// into a function says nothing of that function.
const LIBRARIES: [&str; 2] = ["/rustc/", "/rustlib/"];

type Bytes<'w> = EndianSlice<'w, LittleEndian>;

/// Where the debug information of a module lies in it, in bytes from the beginning of the file.
#[derive(Default)]
pub(super) struct Debug {
    line: Range<usize>,
    line_str: Range<usize>,
    str: Range<usize>,
    /// Where the contents of the code section begin: addresses are counted from there.
    code_at: usize,
}

impl Debug {
    pub fn section(&mut self, section: &CustomSectionReader<'_>) {
        let range = match section.name() {
            ".debug_line" => &mut self.line,
            ".debug_line_str" => &mut self.line_str,
            ".debug_str" => &mut self.str,
            _ => return,
        };
        let at = section.data_offset();
        *range = at..at + section.data().len();
    }

    pub fn code(&mut self, at: usize) {
        self.code_at = at;
    }

    /// `file:line` for each of some offsets into the module, if it is known.
    pub fn lines(&self, wasm: &[u8], offsets: &[Option<u32>]) -> Vec<Option<String>> {
        let part = |range: &Range<usize>| {
            let bytes = wasm.get(range.clone()).unwrap_or_default();
            EndianSlice::new(bytes, LittleEndian)
        };
        let sections = Sections {
            line: part(&self.line),
            line_str: part(&self.line_str),
            str: part(&self.str),
        };
        let mut found = vec![None; offsets.len()];
        if sections.line.len() > DEBUG_LINE_BYTES_MAX {
            return found;
        }
        let address = |offset: u32| u64::from(offset).checked_sub(self.code_at as u64);
        let wanted: Vec<Option<u64>> = offsets.iter().map(|it| it.and_then(address)).collect();
        let mut at = 0;
        while at < sections.line.len() {
            match sections.program(at, &wanted, &mut found) {
                Some(next) if next > at => at = next,
                _ => break,
            }
        }
        found
    }
}

struct Sections<'w> {
    line: Bytes<'w>,
    line_str: Bytes<'w>,
    str: Bytes<'w>,
}

impl<'w> Sections<'w> {
    /// Runs the line program at byte `at`; returns where the next one begins.
    fn program(
        &self,
        at: usize,
        wanted: &[Option<u64>],
        found: &mut [Option<String>],
    ) -> Option<usize> {
        let mut length = self.line.range_from(at..);
        let (unit_bytes, format) = length.read_initial_length().ok()?;
        let next = at.checked_add(usize::from(format.initial_length_size()))?;
        let next = next.checked_add(unit_bytes)?;
        let section = DebugLine::new(self.line.slice(), LittleEndian);
        let Ok(program) = section.program(DebugLineOffset(at), 4, None, None) else {
            return Some(next);
        };
        let mut rows = program.rows();
        // The rows of one sequence, of which each holds until the next. A function that the linker
        // has removed is left at 0.
        let (mut begin, mut before): (u64, Option<LineRow>) = (0, None);
        while let Ok(Some((header, row))) = rows.next_row() {
            match &before {
                Some(before) if begin > 0 => {
                    let covered = before.address()..row.address();
                    for (wanted, found) in wanted.iter().zip(&mut *found) {
                        if wanted.is_some_and(|wanted| covered.contains(&wanted)) {
                            *found = self.told(header, before);
                        }
                    }
                }
                Some(_) => {}
                None => begin = row.address(),
            }
            before = (!row.end_sequence()).then_some(*row);
        }
        Some(next)
    }

    fn told(&self, header: &LineProgramHeader<Bytes<'w>>, row: &LineRow) -> Option<String> {
        let (file, line) = (row.file(header)?, row.line()?);
        let name = self.text(file.path_name())?;
        let directory = file.directory(header).and_then(|it| self.text(it));
        let path = format!("{}/{name}", directory.unwrap_or_default());
        if LIBRARIES.iter().any(|library| path.contains(library)) {
            return None;
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let last = &parts[parts.len().saturating_sub(PATH_PARTS)..];
        Some(format!("{}:{line}", excerpt(&last.join("/"))))
    }

    fn text(&self, value: AttributeValue<Bytes<'w>>) -> Option<Cow<'w, str>> {
        let within = |section: Bytes<'w>, at: usize| {
            let mut rest = section.slice().get(at..)?;
            rest = rest.split(|byte| *byte == 0).next()?;
            Some(String::from_utf8_lossy(rest))
        };
        match value {
            AttributeValue::String(text) => Some(String::from_utf8_lossy(text.slice())),
            AttributeValue::DebugStrRef(at) => within(self.str, at.0),
            AttributeValue::DebugLineStrRef(at) => within(self.line_str, at.0),
            _ => None,
        }
    }
}
