//! What the counters and the logged compares mean, in terms of the original binary.

/// Everything that is counted or logged in one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// The name of each function, by index: of the name section, else of an export, else
    /// `func[N]`. Safe to print.
    pub functions: Vec<String>,
    /// By function and offset, in order of the code.
    pub blocks: Vec<Block>,
    /// Likewise.
    pub compares: Vec<Compare>,
}

/// A piece of code that runs from its beginning once it is entered, unless something in it traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The index of its function in the original binary.
    pub function: u32,
    /// Of its first instruction, in bytes from the beginning of the file.
    pub offset: u32,
    /// How it is entered.
    pub kind: BlockKind,
}

/// How a block is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// The beginning of a function.
    Function,
    /// The head of a loop: entered from above and from each branch back.
    Loop,
    /// The first branch of an `if`.
    Then,
    /// Also where no `else` is written: then it lies at the `end`.
    Else,
    /// Behind an `end`, where ways meet.
    Join,
    /// Behind a `br_if` that does not branch.
    Fallthrough,
    /// A `select`, which is where both lie, that takes its first operand.
    SelectFirst,
    /// The same where it takes its second operand.
    SelectSecond,
}

impl BlockKind {
    /// What reports call it.
    pub fn name(self) -> &'static str {
        match self {
            BlockKind::Function => "function",
            BlockKind::Loop => "loop",
            BlockKind::Then => "then",
            BlockKind::Else => "else",
            BlockKind::Join => "join",
            BlockKind::Fallthrough => "fallthrough",
            BlockKind::SelectFirst => "select first",
            BlockKind::SelectSecond => "select second",
        }
    }
}

/// An `eq` or a `ne` of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare {
    /// The index of its function in the original binary.
    pub function: u32,
    /// Of the instruction, in bytes from the beginning of the file.
    pub offset: u32,
    /// Of an operand: 4 or 8.
    pub width_bytes: u8,
}
