//! One function, instruction by instruction: where its blocks begin, and what is put there.
//!
//! Instructions are copied as they are. Code that no way leads to gets nothing: after a branch, a
//! return or `unreachable` up to the next `else` or `end` where a way leads in again.

use wasm_encoder::{Encode, ValType};
use wasmparser::{FunctionBody, Operator, OperatorsReader};

use super::emit::{Emitter, Scratch};
use super::{
    Block, BlockKind, Compare, Layout, Origins, Refused, Sites, refuse, slice, unknown_control,
};

/// The type of what an instruction compares, if it is one whose operands are logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    I32,
    I64,
}

impl Operand {
    pub fn of(operator: &Operator<'_>) -> Option<Operand> {
        match operator {
            Operator::I32Eq | Operator::I32Ne => Some(Operand::I32),
            Operator::I64Eq | Operator::I64Ne => Some(Operand::I64),
            _ => None,
        }
    }

    fn width_bytes(self) -> u8 {
        match self {
            Operand::I32 => 4,
            Operand::I64 => 8,
        }
    }
}

/// Operands below this are not logged: lengths, bytes and tags, which chance finds.
pub(super) const LEAST_LOGGED: u64 = 256;

/// What opened a block of the code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opener {
    Function,
    Block,
    Loop,
    If,
    Else,
}

struct Frame {
    opener: Opener,
    /// Whether a way led to its beginning.
    entered: bool,
    /// Whether a branch leads to its end.
    is_target: bool,
    /// Whether the `then` part comes to its end.
    then_falls: bool,
}

/// Rewrites one function.
pub(super) struct Body<'a> {
    function: u32,
    layout: &'a Layout,
    sites: &'a mut Sites,
    origins: &'a mut Origins,
    frames: Vec<Frame>,
    /// Whether a way leads to the present instruction.
    is_live: bool,
    /// The instruction before was a constant that is too small for a compare to be logged.
    is_small: bool,
    emitter: Emitter,
}

impl<'a> Body<'a> {
    /// `record` is the index of the function that logs.
    pub fn new(
        (function, record): (u32, u32),
        layout: &'a Layout,
        sites: &'a mut Sites,
        origins: &'a mut Origins,
    ) -> Body<'a> {
        Body {
            function,
            layout,
            sites,
            origins,
            frames: Vec::new(),
            is_live: true,
            is_small: false,
            emitter: Emitter::new(record),
        }
    }

    /// The new body, with its locals.
    pub fn rewrite(
        &mut self,
        wasm: &[u8],
        body: &FunctionBody<'_>,
        params: u32,
    ) -> Result<Vec<u8>, Refused> {
        let mut locals = body.get_locals_reader()?;
        let (groups, first) = (locals.get_count(), locals.original_position());
        let mut count = params;
        for _ in 0..groups {
            let (more, _) = locals.read()?;
            let Some(sum) = count.checked_add(more) else {
                return refuse("a function with too many locals");
            };
            count = sum;
        }
        let declared = slice(wasm, &(first..locals.original_position()))?;
        let Some(scratch) = Scratch::after(count) else {
            return refuse(format!(
                "a function with {count} parameters and locals ({} more are needed)",
                Scratch::I32S + Scratch::I64S
            ));
        };
        self.emitter.scratch = scratch;
        groups.saturating_add(2).encode(&mut self.emitter.code);
        self.emitter.code.extend_from_slice(declared);
        for (count, ty) in [(Scratch::I32S, ValType::I32), (Scratch::I64S, ValType::I64)] {
            count.encode(&mut self.emitter.code);
            ty.encode(&mut self.emitter.code);
        }
        self.instructions(wasm, body.get_operators_reader()?)?;
        Ok(std::mem::take(&mut self.emitter.code))
    }

    fn instructions(
        &mut self,
        wasm: &[u8],
        mut reader: OperatorsReader<'_>,
    ) -> Result<(), Refused> {
        self.push(Opener::Function);
        self.block(BlockKind::Function, reader.original_position())?;
        while !reader.eof() {
            let start = reader.original_position();
            let operator = reader.read()?;
            let end = reader.original_position();
            self.before(&operator, start)?;
            let raw = slice(wasm, &(start..end))?;
            let compare = Operand::of(&operator).filter(|_| self.is_live && !self.is_small);
            match compare {
                Some(operand) => self.compare(operand, raw, start)?,
                None => {
                    self.origins.copied(start, self.emitter.code.len());
                    self.emitter.code.extend_from_slice(raw);
                }
            }
            self.after(&operator, end)?;
            self.is_small = match operator {
                Operator::I32Const { value } => u64::from(value.cast_unsigned()) < LEAST_LOGGED,
                Operator::I64Const { value } => value.cast_unsigned() < LEAST_LOGGED,
                _ => false,
            };
        }
        Ok(())
    }

    /// What goes before an instruction.
    fn before(&mut self, operator: &Operator<'_>, start: usize) -> Result<(), Refused> {
        if let Some(proposal) = unknown_control(operator) {
            return refuse(format!("{proposal} (at offset {start:#x})"));
        }
        match operator {
            Operator::End => self.unwritten_else(start),
            Operator::Select | Operator::TypedSelect { .. } if self.is_live => {
                let first = self.site(BlockKind::SelectFirst, start)?;
                self.site(BlockKind::SelectSecond, start)?;
                self.emitter.select(self.layout.block_at(first));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Where an instruction leads, and the block that begins behind it.
    fn after(&mut self, operator: &Operator<'_>, end: usize) -> Result<(), Refused> {
        match operator {
            Operator::Block { .. } => self.push(Opener::Block),
            Operator::Loop { .. } => {
                self.push(Opener::Loop);
                return self.block(BlockKind::Loop, end);
            }
            Operator::If { .. } => {
                self.push(Opener::If);
                return self.block(BlockKind::Then, end);
            }
            Operator::Else => {
                let Some(frame) = self.frames.last_mut() else {
                    return refuse("an `else` without its `if`");
                };
                frame.opener = Opener::Else;
                frame.then_falls = self.is_live;
                self.is_live = frame.entered;
                return self.block(BlockKind::Else, end);
            }
            Operator::End => return self.end(end),
            Operator::Br { relative_depth } => {
                self.target(*relative_depth)?;
                self.is_live = false;
            }
            Operator::BrIf { relative_depth } => {
                self.target(*relative_depth)?;
                return self.block(BlockKind::Fallthrough, end);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets() {
                    self.target(depth?)?;
                }
                self.target(targets.default())?;
                self.is_live = false;
            }
            Operator::Return | Operator::Unreachable => self.is_live = false,
            _ => {}
        }
        Ok(())
    }

    /// Writes the `else` of an `if` that has none, and counts it: its results are its parameters.
    fn unwritten_else(&mut self, start: usize) -> Result<(), Refused> {
        match self.frames.last_mut() {
            Some(frame) if frame.opener == Opener::If && frame.entered => {
                frame.opener = Opener::Else;
                frame.then_falls = std::mem::replace(&mut self.is_live, true);
            }
            _ => return Ok(()),
        }
        self.emitter.sink().else_();
        self.block(BlockKind::Else, start)
    }

    fn end(&mut self, end: usize) -> Result<(), Refused> {
        let Some(frame) = self.frames.pop() else {
            return refuse("an `end` without its beginning");
        };
        let falls = self.is_live;
        let (is_live, is_join) = match frame.opener {
            // Such an `if` is one that no way leads to.
            Opener::Function | Opener::If => (false, false),
            // Branches to a loop lead to its head.
            Opener::Loop => (falls, false),
            Opener::Block => (falls || frame.is_target, frame.is_target),
            Opener::Else => (
                falls || frame.then_falls || frame.is_target,
                falls && frame.then_falls || frame.is_target,
            ),
        };
        self.is_live = is_live;
        if is_join {
            self.block(BlockKind::Join, end)?;
        }
        Ok(())
    }

    fn push(&mut self, opener: Opener) {
        self.frames.push(Frame {
            opener,
            entered: self.is_live,
            is_target: false,
            then_falls: false,
        });
    }

    /// Marks what a branch leads to.
    fn target(&mut self, depth: u32) -> Result<(), Refused> {
        let index = self.frames.len().checked_sub(1 + depth as usize);
        let Some(frame) = index.and_then(|index| self.frames.get_mut(index)) else {
            return refuse(format!(
                "a branch out of {depth} blocks, which are not there"
            ));
        };
        frame.is_target |= self.is_live;
        Ok(())
    }

    /// Counts a block that begins here, if a way leads here.
    fn block(&mut self, kind: BlockKind, offset: usize) -> Result<(), Refused> {
        if self.is_live {
            let block = self.site(kind, offset)?;
            self.emitter.count(self.layout.block_at(block));
        }
        Ok(())
    }

    fn site(&mut self, kind: BlockKind, offset: usize) -> Result<u32, Refused> {
        let (index, offset) = (number(self.sites.blocks.len())?, number(offset)?);
        self.sites.blocks.push(Block {
            function: self.function,
            offset,
            kind,
        });
        Ok(index)
    }

    fn compare(&mut self, operand: Operand, raw: &[u8], offset: usize) -> Result<(), Refused> {
        let (index, offset) = (number(self.sites.compares.len())?, number(offset)?);
        self.sites.compares.push(Compare {
            function: self.function,
            offset,
            width_bytes: operand.width_bytes(),
        });
        let solved_at = self.layout.solved_at(index);
        self.emitter.compare(operand, raw, index, solved_at);
        Ok(())
    }
}

fn number(count: usize) -> Result<u32, Refused> {
    match u32::try_from(count) {
        Ok(number) => Ok(number),
        Err(_) => refuse("a module of more than 4 GiB"),
    }
}
