//! JSON text with positions, and the canonical CBOR of untyped JSON.
//!
//! `$comment` members are dropped here, so that they count nowhere: not as fields, not in values,
//! not in hashes. A comment may change without unpinning anything. Nothing here knows what a
//! document means, or opens a file.

pub mod canonical;
pub mod file;

use serde_json::Value as Plain;

use crate::problems::problem::SourcePlace;
use crate::text::quote::quote;

pub const COMMENT: &str = "$comment";

/// JSON to be read later, and the file it is in.
#[derive(Clone, Copy, Debug)]
pub struct Later<'a> {
    pub node: &'a Node,
    pub file: usize,
}

impl Later<'_> {
    pub fn place(&self) -> SourcePlace {
        SourcePlace {
            file: self.file,
            offset: self.node.start,
        }
    }
}

/// A JSON value, from the byte `start` up to the byte `end`.
#[derive(Debug)]
pub struct Node {
    pub start: usize,
    pub end: usize,
    pub json: Json,
}

#[derive(Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object; `start` is the first byte of its name.
#[derive(Debug)]
pub struct Member {
    pub key: String,
    pub start: usize,
    pub node: Node,
}

impl Node {
    pub fn members(&self) -> &[Member] {
        match &self.json {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    pub fn member(&self, key: &str) -> Option<&Node> {
        self.members()
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.node)
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.json {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node that a JSON pointer leads to from here, or the last one on the way.
    pub fn follow(&self, pointer: &str) -> &Node {
        let mut node = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &node.json {
                Json::Array(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                _ => node.member(&step),
            };
            let Some(next) = next else { break };
            node = next;
        }
        node
    }

    /// What kind of JSON this is, for messages.
    pub fn describe(&self) -> String {
        describe(&self.to_plain())
    }

    pub fn to_plain(&self) -> Plain {
        match &self.json {
            Json::Null => Plain::Null,
            Json::Bool(flag) => Plain::Bool(*flag),
            Json::Number(number) => Plain::Number(number.clone()),
            Json::Text(text) => Plain::String(text.clone()),
            Json::Array(items) => Plain::Array(items.iter().map(Node::to_plain).collect()),
            Json::Object(members) => {
                let pair = |member: &Member| (member.key.clone(), member.node.to_plain());
                Plain::Object(members.iter().map(pair).collect())
            }
        }
    }
}

/// What kind of JSON this is, for messages: short, and never all of a long value.
pub fn describe(json: &Plain) -> String {
    match json {
        Plain::Null => "null".to_owned(),
        Plain::Bool(flag) => format!("`{flag}`"),
        Plain::Number(number) => format!("the number {number}"),
        Plain::String(text) => format!("the text {}", quote(text)),
        Plain::Array(items) => format!("an array of {}", items.len()),
        Plain::Object(members) => match members.keys().next() {
            Some(key) if members.len() == 1 => format!("an object with the field {}", quote(key)),
            _ => format!("an object of {} fields", members.len()),
        },
    }
}
