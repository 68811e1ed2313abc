//! What a guest said last, before it stopped itself: read from its memory, where it is untrusted.
//!
//! Two ways lead to it. Any guest may export a global `trap_message`, which holds the address of
//! two little-endian 32-bit words: where the text lies, in UTF-8, and its length in bytes. And a
//! panic of Rust's leaves a record on the guest's stack, of a place and a message whose variable
//! parts are in other places: it is found by its form, and believed only if all of it looks as it
//! should.
//! A text that is not certain is left out: none is better than a wrong one.

use super::anatomy::Anatomy;
use super::excerpt::reason;

/// The global that a guest may export.
pub(super) const MESSAGE_EXPORT: &str = "trap_message";

/// The longest text that is read, in bytes.
const TEXT_BYTES_MAX: u32 = 4096;

/// How much of the memory is searched for a record: Rust puts its stack first.
const STACK_BYTES_MAX: usize = 2 << 20;

/// A record and what it refers to on the stack are no further from each other.
const FRAME_BYTES_MAX: u32 = 4096;

/// The most pieces and arguments of a message.
const PARTS_MAX: u32 = 64;

/// The bounds of a plausible place in a source.
const PATH_BYTES_MAX: u32 = 512;
const LINE_MAX: u32 = 10_000_000;
const COLUMN_MAX: u32 = 100_000;

/// How a text begins that tells the place too.
pub(super) const PANICKED_AT: &str = "panicked at ";

/// What stands for a value that can't be read.
const VALUE: &str = "…";

/// What the guest said, in one line and safe to print. `address` is the value of its global.
pub(super) fn last_words(memory: &[u8], address: Option<u32>, anatomy: &Anatomy) -> Option<String> {
    let memory = Memory(memory);
    let said = address.and_then(|address| memory.message(address));
    let panicked = || anatomy.is_of_rust.then(|| memory.panic(anatomy)).flatten();
    match said {
        Some(said) if said.starts_with(PANICKED_AT) => Some(reason(said)),
        Some(said) => Some(format!("panicked: {}", reason(said))),
        None => panicked(),
    }
}

/// A guest's memory.
#[derive(Clone, Copy)]
struct Memory<'m>(&'m [u8]);

impl<'m> Memory<'m> {
    fn bytes(self, at: u32, length: u32) -> Option<&'m [u8]> {
        self.0.get(at as usize..)?.get(..length as usize)
    }

    fn byte(self, at: u32) -> Option<u8> {
        self.0.get(at as usize).copied()
    }

    /// An aligned word.
    fn word(self, at: u32) -> Option<u32> {
        let bytes = self.bytes(at, 4).filter(|_| at.is_multiple_of(4))?;
        bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn pair(self, at: u32) -> Option<(u32, u32)> {
        Some((self.word(at)?, self.word(at.checked_add(4)?)?))
    }

    /// Something that looks like text.
    fn text(self, at: u32, length: u32) -> Option<&'m str> {
        let bytes = self
            .bytes(at, length)
            .filter(|_| length <= TEXT_BYTES_MAX)?;
        let text = std::str::from_utf8(bytes).ok()?;
        let is_text = |char: char| !char.is_control() || matches!(char, '\n' | '\t' | '\r');
        text.chars().all(is_text).then_some(text)
    }

    /// The message that the words at `address` tell, if there is one.
    fn message(self, address: u32) -> Option<&'m str> {
        let (at, length) = self.pair(address)?;
        let all = self.bytes(at, length)?;
        let bytes = &all[..all.len().min(TEXT_BYTES_MAX as usize)];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // What is too long was cut, maybe inside of a character.
            Err(error) if length > TEXT_BYTES_MAX && error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
            }
            Err(_) => return None,
        };
        Some(text).filter(|text| !text.trim().is_empty() && !text.contains('\0'))
    }

    /// The panic whose record is on the stack. Where records tell more than one place, none counts.
    fn panic(self, anatomy: &Anatomy) -> Option<String> {
        let end = self.0.len().min(STACK_BYTES_MAX) as u32;
        let mut found: Option<(Location<'_>, String)> = None;
        for at in (4..end.saturating_sub(8)).step_by(4) {
            let Some((location, message)) = self.record(at, anatomy) else {
                continue;
            };
            match &found {
                Some((first, _)) if *first != location => return None,
                Some(_) => {}
                None => found = Some((location, message)),
            }
        }
        let (location, message) = found?;
        let Location { file, line, column } = location;
        let place = reason(&format!("{PANICKED_AT}{file}:{line}:{column}"));
        // Of some messages nothing is known but that there was one.
        Some(match message.is_empty() || message == VALUE {
            true => place,
            false => format!("{place}: {}", reason(&message)),
        })
    }

    /// A record of a panic: pointers to message and place, and two flags.
    fn record(self, at: u32, anatomy: &Anatomy) -> Option<(Location<'m>, String)> {
        let message = self.word(at)?;
        if message == 0 || message.abs_diff(at) > FRAME_BYTES_MAX {
            return None;
        }
        let flags = [self.byte(at + 8)?, self.byte(at + 9)?];
        if flags.iter().any(|flag| *flag > 1) {
            return None;
        }
        let location = self.location(self.word(at + 4)?)?;
        Some((location, self.arguments(message, anatomy)?))
    }

    /// `core::panic::Location`: the path, line and column.
    fn location(self, at: u32) -> Option<Location<'m>> {
        let (path, length) = self.pair(at)?;
        let (line, column) = self.pair(at.checked_add(8)?)?;
        let is_likely = (4..=PATH_BYTES_MAX).contains(&length)
            && (1..=LINE_MAX).contains(&line)
            && (1..=COLUMN_MAX).contains(&column);
        let file = self.text(path, length).filter(|_| is_likely)?;
        let is_file = file.ends_with(".rs") && !file.contains(char::is_control);
        is_file.then_some(Location { file, line, column })
    }

    /// `core::fmt::Arguments`, in either of its forms.
    fn arguments(self, at: u32, anatomy: &Anatomy) -> Option<String> {
        let (first, second) = self.pair(at)?;
        // The older form is the stricter one, and no text of the newer looks like it. Older still,
        // it begins with formats, of which there are none.
        if let Some(message) = self.pieces(at, anatomy) {
            return Some(message);
        }
        if first == 0 {
            return self.pieces(at.checked_add(8)?, anatomy);
        }
        match second & 1 {
            1 if second == 1 && first != 1 => None,
            1 => self.text(first, second >> 1).map(str::to_owned),
            _ => self.template(first, second, anatomy),
        }
    }

    /// Until Rust 1.92: pieces of text between arguments, as two slices.
    fn pieces(self, at: u32, anatomy: &Anatomy) -> Option<String> {
        let (pieces, count) = self.pair(at)?;
        let (arguments, argument_count) = self.pair(at.checked_add(8)?)?;
        let is_likely = (1..=PARTS_MAX).contains(&count)
            && (argument_count == count || argument_count + 1 == count);
        if !is_likely {
            return None;
        }
        let mut message = String::new();
        for index in 0..count {
            let (text, length) = self.pair(pieces.checked_add(8 * index)?)?;
            message += self.text(text, length)?;
            if index < argument_count {
                message += &self.value(arguments.checked_add(8 * index)?, anatomy)?;
            }
        }
        Some(message)
    }

    /// Since then: a template of bytes, and the arguments.
    fn template(self, at: u32, arguments: u32, anatomy: &Anatomy) -> Option<String> {
        let (mut at, mut next) = (at, 0);
        let mut message = String::new();
        for _ in 0..=2 * PARTS_MAX {
            let head = self.byte(at)?;
            at = at.checked_add(1)?;
            match head {
                0 => return Some(message),
                1..=0x80 => {
                    let length = match head {
                        0x80 => {
                            let bytes = self.bytes(at, 2)?;
                            at = at.checked_add(2)?;
                            u32::from(u16::from_le_bytes([bytes[0], bytes[1]]))
                        }
                        short => u32::from(short),
                    };
                    message += self.text(at, length)?;
                    at = at.checked_add(length)?;
                }
                0x81..0xc0 => return None,
                0xc0.. => {
                    // Flags, width, precision, and which argument.
                    let bits = u32::from(head);
                    at =
                        at.checked_add(4 * (bits & 1) + 2 * (bits >> 1 & 1) + 2 * (bits >> 2 & 1))?;
                    if bits & 8 != 0 {
                        let bytes = self.bytes(at, 2)?;
                        next = u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
                        at = at.checked_add(2)?;
                    }
                    let argument = arguments.checked_add(8 * next)?;
                    next += 1;
                    message += &match head {
                        0xc0 => self.value(argument, anatomy)?,
                        // Padded, or in another base.
                        _ => VALUE.to_owned(),
                    };
                }
            }
        }
        None
    }

    /// An argument of a message, read if it is one of the usual; None if there is none.
    fn value(self, argument: u32, anatomy: &Anatomy) -> Option<String> {
        let (value, formatter) = self.pair(argument)?;
        let text = || {
            let (text, length) = self.pair(value)?;
            self.text(text, length).filter(|_| length > 0)
        };
        let told = match anatomy.pointee(formatter) {
            Some(formatter) => self.value_by(&formatter, value),
            // Nothing tells its type; what two words say to be text is text.
            None => text().map(str::to_owned),
        };
        Some(told.unwrap_or_else(|| VALUE.to_owned()))
    }

    /// A value that a function of the standard library would write.
    fn value_by(self, formatter: &str, value: u32) -> Option<String> {
        let (ty, debug) = match formatter.split_once(" as core::fmt::") {
            Some((ty, rest)) => (ty.strip_prefix('<')?, rest.starts_with("Debug>")),
            None => {
                let (_, ty) = formatter.split_once(" core::fmt::Display for ")?;
                (ty.strip_suffix(">::fmt")?, false)
            }
        };
        let size = |size| self.bytes(value, size);
        let text = match ty {
            "str" | "&str" | "&T" => {
                let (at, length) = self.pair(value)?;
                self.text(at, length)?
            }
            "alloc::string::String" => {
                let (at, length) = self.pair(value.checked_add(4)?)?;
                self.text(at, length)?
            }
            "u8" => return Some(size(1)?[0].to_string()),
            "i8" => return Some(size(1)?[0].cast_signed().to_string()),
            "u16" => return Some(u16::from_le_bytes(*size(2)?.first_chunk()?).to_string()),
            "i16" => return Some(i16::from_le_bytes(*size(2)?.first_chunk()?).to_string()),
            "u32" | "usize" => {
                return Some(u32::from_le_bytes(*size(4)?.first_chunk()?).to_string());
            }
            "i32" | "isize" => {
                return Some(i32::from_le_bytes(*size(4)?.first_chunk()?).to_string());
            }
            "u64" => return Some(u64::from_le_bytes(*size(8)?.first_chunk()?).to_string()),
            "i64" => return Some(i64::from_le_bytes(*size(8)?.first_chunk()?).to_string()),
            _ => return None,
        };
        Some(if debug {
            format!("{text:?}")
        } else {
            text.to_owned()
        })
    }
}

/// A place in a source.
#[derive(PartialEq, Eq)]
struct Location<'m> {
    file: &'m str,
    line: u32,
    column: u32,
}
