//! The constants of a reducer's binary: texts that it knows, and numbers that it compares with.
//!
//! Owns what can be seen in the bytes alone. Nothing is run, and what a constant means is not known
//! here: some are of the language's own libraries. Optimisers hide constants well, so `code` looks
//! at instructions and `data` at data segments. The binary is not trusted: the work grows with its
//! length, and what can't be read is left out.
//!
//! Of too many constants the ones that say most are kept. Texts: names of schemas and URLs, then
//! identifiers, then others without spaces, then all others. Among equals those that the code
//! compares with or stores come first, then those that it refers to with their length, then shorter
//! ones; pieces of two or three bytes come last. Numbers: those of more than 32 bits, then negative
//! ones, then those from 256 on, then small ones; among equals those nearer to zero. A function
//! that is known to belong to the language's own libraries does not count.

mod code;
mod data;

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

use super::names::FunctionNames;
use code::Walk;
use data::Data;
use sim_air::Pattern;

/// The most texts and numbers that are kept.
pub const CONSTANTS_MAX: usize = 256;

/// The longest text that is kept, in bytes.
pub const TEXT_BYTES_MAX: usize = 64;

/// How many texts, numbers and pointers are looked at before the rest is left out.
const CANDIDATES_MAX: usize = 1 << 16;

/// What a reducer's binary holds.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    texts: Vec<String>,
    numbers: Vec<i128>,
    /// All data, for who asks whether it mentions something.
    data: Vec<u8>,
    /// Texts that are no data, but in instructions.
    immediate: BTreeSet<String>,
}

impl Constants {
    /// Looks through a module. What is malformed has fewer.
    pub fn of(wasm: &[u8]) -> Constants {
        let names = names(wasm);
        let mut walk = Walk::default();
        let mut data = Data::default();
        let mut function = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::CodeSectionEntry(body)) => {
                    if !names.is_of_a_library(function) {
                        walk.function(&body);
                    }
                    function += 1;
                }
                Ok(Payload::DataSection(segments)) => {
                    segments.into_iter().flatten().for_each(|it| data.add(&it));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        data.sort();
        let referred = data.texts(&walk);
        Constants {
            texts: best_texts(&walk.texts, &referred),
            numbers: best_numbers(walk.numbers),
            data: data.bytes(),
            immediate: walk.texts,
        }
    }

    /// Texts, sorted: at most [`CONSTANTS_MAX`], of at most [`TEXT_BYTES_MAX`] bytes each.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Numbers that the code compares with or branches on, sorted: at most [`CONSTANTS_MAX`]. One
    /// of 32 or 64 bits that may be meant with or without its sign is there as both.
    pub fn numbers(&self) -> &[i128] {
        &self.numbers
    }

    /// Texts that have the form of a schema's name, such as `demo/Thing@1`.
    pub fn schema_names(&self) -> impl Iterator<Item = &str> {
        let texts = self.texts.iter().map(String::as_str);
        texts.filter(|text| Pattern::Name.matches(text))
    }

    /// Whether the binary holds the text: in its data, or in instructions that compare with it or
    /// store it. A short text may be there by chance. One that is not there may still be put
    /// together from parts, or compared with in a way that is not known here.
    pub fn mentions(&self, text: &str) -> bool {
        let is_in_data = |bytes: &[u8]| memchr::memmem::find(&self.data, bytes).is_some();
        let wide = || {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        !text.is_empty()
            && (is_in_data(text.as_bytes())
                || self.immediate.iter().any(|known| known.contains(text))
                || is_in_data(&wide()))
    }
}

fn insert<T: Ord>(set: &mut BTreeSet<T>, item: T) {
    if set.len() < CANDIDATES_MAX {
        set.insert(item);
    }
}

/// What a name, a URL or a short text is made of.
fn is_in_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$@./:-".contains(&byte)
}

/// The texts that a text is made of if it is CBOR: `fschematdemo/Thing@1` is a text of 6 bytes and
/// one of 12. Empty if it is none; what follows two of them may be another one without its head.
fn cbor_texts(text: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = text;
    while let Some((head, behind)) = rest.split_at_checked(1) {
        let length = usize::from(head.as_bytes()[0].wrapping_sub(SHORT_TEXT));
        let item = behind.split_at_checked(length);
        let is_item = |item: &str| (2..24).contains(&length) && item.bytes().all(is_in_a_word);
        let Some((item, behind)) = item.filter(|(item, _)| is_item(item)) else {
            break;
        };
        // A name whose first letter could be a head.
        if texts.len() > 1 && !behind.is_empty() && Pattern::Name.matches(rest) {
            break;
        }
        texts.push(item);
        rest = behind;
    }
    match (texts.len(), rest) {
        (_, "") => texts,
        (2.., _) => {
            texts.push(rest);
            texts
        }
        _ => Vec::new(),
    }
}

/// The head of a CBOR text without any bytes; those of up to 23 bytes follow.
const SHORT_TEXT: u8 = 0x60;

/// Names of functions, to tell which are of libraries.
fn names(wasm: &[u8]) -> FunctionNames {
    let mut names = FunctionNames::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload {
            Ok(Payload::CustomSection(section)) => names.section(&section),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    names
}

/// How a text was found in data, the surer ones first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Evidence {
    /// In an instruction.
    Immediate,
    /// The code refers to its beginning and length.
    Whole,
    /// Between what is no text, or where something else begins.
    Piece,
}

fn best_texts(immediate: &BTreeSet<String>, data: &BTreeSet<(String, Evidence)>) -> Vec<String> {
    let immediate = immediate.iter().map(|text| (text, Evidence::Immediate));
    let data = data.iter().map(|(text, evidence)| (text, *evidence));
    let mut ranked: Vec<_> = immediate
        .chain(data)
        .filter(|(text, _)| (2..=TEXT_BYTES_MAX).contains(&text.len()))
        .map(|(text, evidence)| {
            let is_vague = evidence == Evidence::Piece && text.len() < 4;
            (form(text), is_vague, evidence, text.len(), text)
        })
        .collect();
    ranked.sort_unstable();
    let mut best = BTreeSet::new();
    for (.., text) in ranked {
        if best.len() == CONSTANTS_MAX {
            break;
        }
        best.insert(text.clone());
    }
    best.into_iter().collect()
}

/// The forms that a text may have, those that say most first.
fn form(text: &str) -> u8 {
    match text {
        // Where a panic was is of no use to a reducer.
        _ if text.ends_with(".rs") || text.contains("/rustc/") => 4,
        _ if Pattern::Name.matches(text) || text.contains("://") => 0,
        _ if Pattern::Identifier.matches(text.trim_start_matches('$')) => 1,
        _ if !text.contains(' ') => 2,
        _ => 3,
    }
}

fn best_numbers(numbers: BTreeSet<i128>) -> Vec<i128> {
    let size = |number: &i128| match number.unsigned_abs() {
        0..256 if *number >= 0 => 3,
        _ if u32::try_from(number.unsigned_abs()).is_err() => 0,
        _ if *number < 0 => 1,
        _ => 2,
    };
    let mut best: Vec<i128> = numbers.into_iter().collect();
    best.sort_by_key(|number| (size(number), number.unsigned_abs()));
    best.truncate(CONSTANTS_MAX);
    best.sort_unstable();
    best
}
