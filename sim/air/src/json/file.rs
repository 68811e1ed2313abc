//! Files of JSON: read strictly, each problem at its place; and where a place is.
//!
//! No comments, no trailing commas, no key twice, no number outside 64 bits.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{COMMENT, Json, Member, Node};
use crate::problems::list::Problems;
use crate::problems::problem::{Location, Problem, SourcePlace};
use crate::text::quote::quote;

/// The longest text of one file, in bytes.
pub const MAX_TEXT_SIZE: usize = 8 << 20;
/// The deepest nesting of arrays and objects. Everything that recurses over JSON relies on it.
pub const MAX_DEPTH: usize = 64;
/// A file, read as far as it could be.
pub struct File {
    pub name: String,
    pub root: Option<Node>,
    text: String,
    line_starts: Vec<usize>,
}

impl File {
    /// Reads a file. Its problems go to `problems`, under the number `index`.
    pub fn read(index: usize, name: &str, text: &str, problems: &mut Problems) -> File {
        let too_long = text.len() > MAX_TEXT_SIZE;
        let text = if too_long {
            String::new()
        } else {
            text.to_owned()
        };
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|(at, _)| at + 1))
            .collect();
        let mut file = File {
            name: name.to_owned(),
            root: None,
            text,
            line_starts,
        };
        let start = SourcePlace {
            file: index,
            offset: 0,
        };
        file.root = if too_long {
            let message = format!("the file is longer than {MAX_TEXT_SIZE} bytes");
            problems.push(Problem::new(start, message).hint("split it into several files"));
            None
        } else {
            problems.keep(file.parse(index)).map(|(node, numbers)| {
                numbers
                    .into_iter()
                    .for_each(|problem| problems.push(problem));
                node
            })
        };
        file
    }

    fn parse(&self, index: usize) -> Result<(Node, Vec<Problem>), Problem> {
        let place = |offset| SourcePlace {
            file: index,
            offset,
        };
        if let Some(offset) = too_deep(&self.text) {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Problem::new(place(offset), message));
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&self.text) {
            let line_start = self.line_starts.get(error.line().saturating_sub(1));
            let offset = line_start.unwrap_or(&0) + error.column().saturating_sub(1);
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            return Err(Problem::new(place(offset), format!("not JSON: {message}")));
        }
        let strict = ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed =
            parse_to_ast(&self.text, &CollectOptions::default(), &strict).map_err(|error| {
                let message = format!("not JSON: {}", error.kind()).to_lowercase();
                Problem::new(place(error.range().start), message)
            })?;
        let root = parsed
            .value
            .ok_or_else(|| Problem::new(place(0), "the file is empty"))?;
        let mut builder = Builder {
            file: index,
            problems: Vec::new(),
        };
        Ok((builder.node(root), builder.problems))
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let line = self
            .line_starts
            .partition_point(|start| *start <= offset)
            .max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..offset.min(self.text.len()));
        let continues = |byte: &&u8| **byte & 0xc0 != 0x80;
        (
            line,
            before.unwrap_or_default().iter().filter(continues).count() + 1,
        )
    }

    /// The JSON pointer of the value, or of the member, that begins at this byte.
    pub fn pointer(&self, offset: usize) -> String {
        let mut pointer = String::new();
        let mut node = self.root.as_ref();
        while let Some(current) = node {
            node = match &current.json {
                _ if current.start == offset => None,
                Json::Array(items) => {
                    let index = items.partition_point(|item| item.start <= offset);
                    index.checked_sub(1).map(|index| {
                        pointer.push_str(&format!("/{index}"));
                        &items[index]
                    })
                }
                Json::Object(members) => {
                    let index = members.partition_point(|member| member.start <= offset);
                    index.checked_sub(1).map(|index| {
                        pointer.push('/');
                        let key = members[index].key.replace('~', "~0").replace('/', "~1");
                        pointer.push_str(&key);
                        &members[index].node
                    })
                }
                _ => None,
            };
            node = node.filter(|next| (next.start..next.end).contains(&offset));
        }
        pointer
    }
}

/// Where a place is: its file, the pointer, line and column.
pub fn locate(files: &[File], place: SourcePlace) -> Location {
    let Some(file) = files.get(place.file) else {
        return Location {
            file: "(no documents)".to_owned(),
            pointer: String::new(),
            line: 1,
            column: 1,
        };
    };
    let (line, column) = file.line_and_column(place.offset);
    Location {
        file: file.name.clone(),
        pointer: file.pointer(place.offset),
        line,
        column,
    }
}

/// The first bracket that opens too deep a level.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(offset);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Turns the parser's tree into ours. Recursion is bounded: the depth was checked before.
struct Builder {
    file: usize,
    problems: Vec<Problem>,
}

impl Builder {
    fn node(&mut self, value: ast::Value<'_>) -> Node {
        let range = value.range();
        let json = match value {
            ast::Value::NullKeyword(_) => Json::Null,
            ast::Value::BooleanLit(literal) => Json::Bool(literal.value),
            ast::Value::StringLit(literal) => Json::Text(literal.value.into_owned()),
            ast::Value::NumberLit(literal) => self.number(literal.value, range.start),
            ast::Value::Array(array) => Json::Array(
                array
                    .elements
                    .into_iter()
                    .map(|item| self.node(item))
                    .collect(),
            ),
            ast::Value::Object(object) => self.object(object),
        };
        Node {
            start: range.start,
            end: range.end,
            json,
        }
    }

    fn number(&mut self, text: &str, offset: usize) -> Json {
        let number = match (text.parse::<u64>(), text.parse::<i64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => {
                self.problem(
                    offset,
                    format!("the number {} is not an integer of 64 bits", quote(text)),
                );
                0.into()
            }
        };
        Json::Number(number)
    }

    fn object(&mut self, object: ast::Object<'_>) -> Json {
        let mut seen = std::collections::BTreeSet::new();
        let mut members = Vec::with_capacity(object.properties.len());
        for property in object.properties {
            let start = property.range.start;
            let key = property.name.into_string();
            if key == COMMENT {
                continue;
            }
            if !seen.insert(key.clone()) {
                self.problem(start, format!("the field {} is here twice", quote(&key)));
            }
            members.push(Member {
                key,
                start,
                node: self.node(property.value),
            });
        }
        Json::Object(members)
    }

    fn problem(&mut self, offset: usize, message: String) {
        self.problems.push(Problem::new(
            SourcePlace {
                file: self.file,
                offset,
            },
            message,
        ));
    }
}
