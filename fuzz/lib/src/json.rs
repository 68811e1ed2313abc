//! JSON as it is written: members stay in their order, and are there twice if they are.
//!
//! A text is read into a [`Tree`] and written again in some [`Layout`]: what a reader takes for
//! the same. Nothing here knows what the JSON means.

use std::fmt;
use std::io;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;
use serde_json::ser::Formatter;

/// Read by nobody, in documents and in values of cases.
pub const COMMENT: &str = "$comment";

#[derive(Clone, PartialEq, Debug)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// A way to write the same JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// Without white space.
    Compact,
    /// One member or element a line.
    Lines,
    /// Every character of a text as `\uXXXX`.
    Escaped,
    /// The last member of each object first.
    Backwards,
}

impl Layout {
    pub const ALL: [Layout; 4] = [
        Layout::Compact,
        Layout::Lines,
        Layout::Escaped,
        Layout::Backwards,
    ];
}

impl Tree {
    /// # Errors
    /// If the text is not JSON, or a number is beyond what a double holds.
    pub fn read(text: &str) -> serde_json::Result<Tree> {
        serde_json::from_str(text)
    }

    pub fn write(&self, layout: Layout) -> String {
        let mut out = Vec::new();
        let written = match layout {
            Layout::Compact => serde_json::to_writer(&mut out, self),
            Layout::Lines => serde_json::to_writer_pretty(&mut out, self),
            Layout::Escaped => self.serialize(&mut serde_json::Serializer::with_formatter(
                &mut out, Escaped,
            )),
            Layout::Backwards => serde_json::to_writer(&mut out, &self.backwards()),
        };
        written.expect("memory takes all that is written to it");
        String::from_utf8(out).expect("JSON is text")
    }

    /// The elements of an array, or the tree itself.
    pub fn into_elements(self) -> Vec<Tree> {
        match self {
            Tree::Array(items) => items,
            other => vec![other],
        }
    }

    /// The values of the members with that name.
    pub fn members<'t>(&'t self, name: &str) -> impl Iterator<Item = &'t Tree> {
        let members = match self {
            Tree::Object(members) => members.as_slice(),
            _ => &[],
        };
        members
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The text of the first member with that name.
    pub fn text<'t>(&'t self, name: &str) -> Option<&'t str> {
        match self.members(name).next() {
            Some(Tree::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a JSON pointer leads somewhere, by whichever of the members of one name.
    pub fn has(&self, pointer: &str) -> bool {
        let Some(rest) = pointer.strip_prefix('/') else {
            return pointer.is_empty();
        };
        let (step, rest) = match rest.find('/') {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let step = step.replace("~1", "/").replace("~0", "~");
        match self {
            Tree::Array(items) => step
                .parse()
                .is_ok_and(|index: usize| items.get(index).is_some_and(|item| item.has(rest))),
            _ => self.members(&step).any(|value| value.has(rest)),
        }
    }

    /// The same with a comment in each object, or with none.
    pub fn with_comments(&self, wanted: bool) -> Tree {
        self.map_objects(&|mut members| {
            members.retain(|(key, _)| key != COMMENT);
            if wanted {
                members.push((COMMENT.to_owned(), Tree::Text("as it may be".to_owned())));
            }
            members
        })
    }

    fn backwards(&self) -> Tree {
        self.map_objects(&|mut members| {
            members.reverse();
            members
        })
    }

    /// Recursion is bounded by what the reader takes: 128 levels.
    fn map_objects(&self, change: &impl Fn(Members) -> Members) -> Tree {
        match self {
            Tree::Array(items) => {
                Tree::Array(items.iter().map(|item| item.map_objects(change)).collect())
            }
            Tree::Object(members) => {
                let member =
                    |(key, value): &(String, Tree)| (key.clone(), value.map_objects(change));
                Tree::Object(change(members.iter().map(member).collect()))
            }
            leaf => leaf.clone(),
        }
    }
}

type Members = Vec<(String, Tree)>;

struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        fragment
            .encode_utf16()
            .try_for_each(|unit| write!(writer, "\\u{unit:04x}"))
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Null => serializer.serialize_unit(),
            Tree::Bool(flag) => serializer.serialize_bool(*flag),
            Tree::Number(number) => number.serialize(serializer),
            Tree::Text(text) => serializer.serialize_str(text),
            Tree::Array(items) => serializer.collect_seq(items),
            Tree::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    /// `-0` comes as a double, and is the integer 0 where documents are read.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        match Number::from_f64(number) {
            Some(_) if number == 0.0 => self.visit_u64(0),
            Some(number) => Ok(Tree::Number(number)),
            None => Err(E::custom("a number that JSON has not")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
