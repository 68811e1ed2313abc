//! Input envelopes as trees, and what can be done to them.
//!
//! Owns valid inputs, one for each kind of event, and the edits that are made to every part of
//! them. Nothing is asserted here.

/// A value in an input envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Nat(u64),
    Text(String),
    Bytes(Vec<u8>),
    Boolean(bool),
    Null,
    Map(Fields),
    /// Bytes that hold another value, after the self-describing tag.
    Inside(Box<Node>),
    /// Bytes as they are.
    Raw(&'static [u8]),
}

/// The pairs of a map, in the order in which they are written.
pub type Fields = Vec<(&'static str, Node)>;

/// How heads are written: the least number of bytes for the argument, beyond the first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ArgumentBytes(pub usize);

pub fn text(value: &str) -> Node {
    Node::Text(value.to_owned())
}

impl Node {
    /// As the host writes it: every head as short as can be.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_wide(ArgumentBytes(0))
    }

    pub fn encode_wide(&self, least: ArgumentBytes) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out, least);
        out
    }

    fn write(&self, out: &mut Vec<u8>, least: ArgumentBytes) {
        let bytes = |out: &mut Vec<u8>, major, bytes: &[u8]| {
            head(out, major, bytes.len() as u64, least);
            out.extend_from_slice(bytes);
        };
        match self {
            Node::Nat(value) => head(out, 0, *value, least),
            Node::Bytes(value) => bytes(out, 2, value),
            Node::Text(value) => bytes(out, 3, value.as_bytes()),
            Node::Boolean(value) => out.push(0xf4 + u8::from(*value)),
            Node::Null => out.push(0xf6),
            Node::Raw(value) => out.extend_from_slice(value),
            Node::Map(fields) => {
                head(out, 5, fields.len() as u64, least);
                for (key, value) in fields {
                    bytes(out, 3, key.as_bytes());
                    value.write(out, least);
                }
            }
            Node::Inside(value) => {
                let mut inner = TAG.to_vec();
                value.write(&mut inner, least);
                bytes(out, 2, &inner);
            }
        }
    }

    /// This value with `edit` made to one part of it, for each part and each edit; each with the
    /// name of the part.
    pub fn variants(&self, edit: &impl Fn(&Node) -> Vec<Node>) -> Vec<(String, Node)> {
        let own = edit(self).into_iter().map(|node| (String::new(), node));
        let mut all: Vec<(String, Node)> = own.collect();
        match self {
            Node::Map(fields) => {
                for (index, (key, value)) in fields.iter().enumerate() {
                    for (path, changed) in value.variants(edit) {
                        let mut fields = fields.clone();
                        fields[index].1 = changed;
                        all.push((format!("/{key}{path}"), Node::Map(fields)));
                    }
                }
            }
            Node::Inside(value) => {
                let inner = value.variants(edit).into_iter();
                all.extend(inner.map(|(path, node)| (path, Node::Inside(Box::new(node)))));
            }
            _ => {}
        }
        all
    }

    /// The names of all fields of all maps.
    pub fn keys(&self) -> Vec<&'static str> {
        match self {
            Node::Map(fields) => fields
                .iter()
                .flat_map(|(key, value)| [vec![*key], value.keys()].concat())
                .collect(),
            Node::Inside(value) => value.keys(),
            _ => Vec::new(),
        }
    }
}

/// The tag that canonical bytes begin with.
pub const TAG: [u8; 3] = [0xd9, 0xd9, 0xf7];

fn head(out: &mut Vec<u8>, major: u8, argument: u64, least: ArgumentBytes) {
    let needed = match argument {
        0..24 => 0,
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    let count = needed.max(least.0);
    let info = match count {
        0 => argument as u8,
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    out.push(major << 5 | info);
    out.extend_from_slice(&argument.to_be_bytes()[8 - count..]);
}

/// The fields of a state.
#[derive(Clone)]
pub struct State {
    pub pc: &'static str,
    pub attempt: u64,
    pub max_attempts: u64,
    pub base_delay_ms: u64,
    pub anchor_ns: u64,
    pub payload: String,
    pub req_id: String,
}

/// The first wait of a request.
pub fn waiting() -> State {
    State {
        pc: "Backoff",
        attempt: 1,
        max_attempts: 3,
        base_delay_ms: 10,
        anchor_ns: 1_000_000,
        payload: "do_work".to_owned(),
        req_id: "req-123".to_owned(),
    }
}

pub fn working() -> State {
    State {
        pc: "Working",
        ..waiting()
    }
}

impl State {
    pub fn node(&self) -> Node {
        Node::Map(vec![
            ("pc", text(self.pc)),
            ("req_id", text(&self.req_id)),
            ("attempt", Node::Nat(self.attempt)),
            ("payload", text(&self.payload)),
            ("anchor_ns", Node::Nat(self.anchor_ns)),
            ("max_attempts", Node::Nat(self.max_attempts)),
            ("base_delay_ms", Node::Nat(self.base_delay_ms)),
        ])
    }

    /// Canonical, as it is kept.
    pub fn bytes(&self) -> Vec<u8> {
        [&TAG[..], &self.node().encode()].concat()
    }
}

/// A whole input, with every field that there may be.
pub fn input(state: Option<&State>, event: Node) -> Node {
    let state = state.map_or(Node::Null, |state| Node::Inside(Box::new(state.node())));
    Node::Map(vec![
        ("ctx", Node::Bytes(b"context".to_vec())),
        (
            "event",
            Node::Map(vec![
                ("key", Node::Bytes(b"cell".to_vec())),
                ("value", Node::Inside(Box::new(event))),
                ("schema", text("demo/RetryEvent@1")),
            ]),
        ),
        ("state", state),
        ("version", Node::Nat(1)),
    ])
}

/// An input as the kernel writes it: the retry machine has neither key nor context.
pub fn usual(state: Option<&State>, event: Node) -> Node {
    let state = state.map_or(Node::Null, |state| Node::Inside(Box::new(state.node())));
    let event = vec![
        ("value", Node::Inside(Box::new(event))),
        ("schema", text("demo/RetryEvent@1")),
    ];
    Node::Map(vec![
        ("event", Node::Map(event)),
        ("state", state),
        ("version", Node::Nat(1)),
    ])
}

fn arm(tag: &str, value: Fields) -> Node {
    Node::Map(vec![("$tag", text(tag)), ("$value", Node::Map(value))])
}

/// The start that makes `state` of nothing, if that is Working at attempt 1.
pub fn start(state: &State) -> Node {
    arm(
        "start",
        vec![
            ("now_ns", Node::Nat(state.anchor_ns)),
            ("req_id", text(&state.req_id)),
            ("payload", text(&state.payload)),
            ("max_attempts", Node::Nat(state.max_attempts)),
            ("base_delay_ms", Node::Nat(state.base_delay_ms)),
        ],
    )
}

pub fn ok(req_id: &str) -> Node {
    arm("ok", vec![("req_id", text(req_id))])
}

pub fn err(req_id: &str) -> Node {
    let fields = vec![
        ("req_id", text(req_id)),
        ("message", text("try again")),
        ("transient", Node::Boolean(true)),
    ];
    arm("err", fields)
}

pub fn timer(deliver_at_ns: u64, req_id: &str) -> Node {
    let receipt = vec![
        ("key", text(req_id)),
        ("delivered_at_ns", Node::Nat(deliver_at_ns)),
    ];
    let requested = vec![
        ("key", text(req_id)),
        ("deliver_at_ns", Node::Nat(deliver_at_ns)),
    ];
    let hash = format!("sha256:{}", "0123456789abcdef".repeat(4));
    arm(
        "timer",
        vec![
            ("status", text("ok")),
            ("receipt", Node::Map(receipt)),
            ("reducer", text("demo/RetrySM@1")),
            ("requested", Node::Map(requested)),
            ("signature", Node::Bytes(vec![7; 64])),
            ("adapter_id", text("timer.sim")),
            ("cost_cents", Node::Nat(0)),
            ("effect_kind", text("timer.set")),
            ("intent_hash", text(&hash)),
        ],
    )
}

/// Valid inputs for each kind of event, one with all fields and one as the kernel writes it, which
/// the reducer reads in different ways; each moves the machine.
pub fn all() -> Vec<Node> {
    let moves = [
        (None, start(&working())),
        (Some(waiting()), ok("req-123")),
        (Some(working()), err("req-123")),
        (Some(waiting()), timer(11_000_000, "req-123")),
    ];
    let both = |(state, event): &(Option<State>, Node)| {
        let state = state.as_ref();
        [input(state, event.clone()), usual(state, event.clone())]
    };
    moves.iter().flat_map(both).collect()
}
