//! A condition, evaluated: to the value that the crate `cel` gives, and to an error where it gives
//! one.

use super::item::{Halt, Item};
use super::node::{Constant, Does, Loop, Node, Operation, Saturating, Variable, Where};
use sim_air::Schemas;

/// What a condition is evaluated in.
pub(crate) trait Surroundings<'a> {
    /// The schemas that all values are of.
    fn schemas(&self) -> &'a Schemas;

    /// What a variable holds.
    ///
    /// # Errors
    /// If that cannot be told.
    fn variable(&self, variable: &Variable) -> Result<Item<'a>, Halt>;

    /// The same where it is kept, so that what it holds is looked at without a copy.
    fn kept(&self, _: &Variable) -> Option<&Item<'a>> {
        None
    }
}

/// What a node gives that stands alone.
pub(crate) fn evaluate<'a>(
    node: &'a Node,
    surroundings: &impl Surroundings<'a>,
) -> Result<Item<'a>, Halt> {
    Run::new(surroundings).item(node)
}

/// Whether a node is true that stands alone.
pub(crate) fn holds<'a>(
    node: &'a Node,
    surroundings: &impl Surroundings<'a>,
) -> Result<bool, Halt> {
    Run::new(surroundings).flag(node)
}

struct Run<'a, 's, S> {
    schemas: &'a Schemas,
    surroundings: &'s S,
    /// What the loops around are at, the outermost first.
    locals: Vec<Item<'a>>,
}

impl<'a, 's, S: Surroundings<'a>> Run<'a, 's, S> {
    fn new(surroundings: &'s S) -> Self {
        Run {
            schemas: surroundings.schemas(),
            surroundings,
            locals: Vec::new(),
        }
    }

    fn item(&mut self, node: &'a Node) -> Result<Item<'a>, Halt> {
        match node {
            Node::Constant(_) | Node::Variable(_) | Node::Local(_) => self.leaf(node),
            Node::Select(of, name) => match self.look(of) {
                Some(of) => of.select(self.schemas, name.as_bytes()),
                None => self.item(of)?.select(self.schemas, name.as_bytes()),
            },
            Node::Size(of) => match self.look(of) {
                Some(of) => of.size().map(Item::Number),
                None => self.item(of)?.size().map(Item::Number),
            },
            Node::Calculate(operation, two) => {
                let left = self.leaf(&two[0])?;
                let right = self.leaf(&two[1])?;
                calculate(*operation, &left, &right)
            }
            Node::Pick(wanted, two) => {
                let left = self.leaf(&two[0])?;
                let right = self.leaf(&two[1])?;
                let order = left.number()?.cmp(&right.number()?);
                Ok(if order == *wanted { left } else { right })
            }
            Node::Not(_)
            | Node::And(_)
            | Node::Or(_)
            | Node::Equal(_)
            | Node::Compare(..)
            | Node::Among(..)
            | Node::In(_)
            | Node::Has(..)
            | Node::TextHas(..) => self.flag(node).map(Item::bool),
            _ => self.rare(node),
        }
    }

    /// What a node gives, where that is kept.
    #[inline(always)]
    fn look(&self, node: &Node) -> Option<&Item<'a>> {
        match node {
            Node::Variable(variable) => self.surroundings.kept(variable),
            Node::Local(place) => self.locals.get(*place),
            _ => None,
        }
    }

    /// What most parts are, without a call.
    #[inline(always)]
    fn leaf(&mut self, node: &'a Node) -> Result<Item<'a>, Halt> {
        match node {
            Node::Constant(constant) => Ok(constant.item()),
            Node::Variable(variable) => self.surroundings.variable(variable),
            Node::Local(place) => Ok(self.locals[*place].clone()),
            node => self.item(node),
        }
    }

    /// What is asked for less often, and would take the room of all calls of `item`.
    #[inline(never)]
    fn rare(&mut self, node: &'a Node) -> Result<Item<'a>, Halt> {
        match node {
            Node::Index(two) => {
                let of = self.leaf(&two[0])?;
                let key = self.leaf(&two[1])?;
                of.entry(self.schemas, &key)
            }
            Node::Choice(parts) => match self.flag(&parts[0])? {
                true => self.item(&parts[1]),
                false => self.item(&parts[2]),
            },
            Node::Negate(of) => number(self.item(of)?.number()?.checked_neg()),
            Node::Sum(of) => self.sum(of),
            Node::List(items) => Item::list(items.iter().map(|item| self.item(item))),
            Node::Loop(all) => self.go_through(all),
            _ => Err(Halt::Unsure),
        }
    }

    /// What gives a bool, or has to.
    fn flag(&mut self, node: &'a Node) -> Result<bool, Halt> {
        match node {
            Node::Not(not) => Ok(!self.flag(not)?),
            Node::And(two) => self.joined(two, false),
            Node::Or(two) => self.joined(two, true),
            Node::Equal(two) => {
                let left = self.leaf(&two[0])?;
                let right = self.leaf(&two[1])?;
                left.equals(self.schemas, &right)
            }
            Node::Compare(comparison, two) => {
                let left = self.leaf(&two[0])?;
                let right = self.leaf(&two[1])?;
                Ok(comparison.is(left.order(&right)?))
            }
            Node::Among(item, constants) => self.is_among(item, constants),
            Node::In(two) => {
                let item = self.leaf(&two[0])?;
                let within = self.leaf(&two[1])?;
                within.contains(self.schemas, &item)
            }
            Node::Has(of, name) => self.has(of, name),
            Node::TextHas(whence, two) => {
                let text = self.leaf(&two[0])?;
                let part = self.leaf(&two[1])?;
                has_text(*whence, &text, &part)
            }
            node => self.item(node)?.flag().ok_or(Halt::Fails),
        }
    }

    /// `&&` or `||`: either side may decide it, whatever error there is in the other.
    fn joined(&mut self, two: &'a [Node; 2], decides: bool) -> Result<bool, Halt> {
        let left = self.flag(&two[0]);
        if left == Ok(decides) || left == Err(Halt::Unsure) {
            return left;
        }
        match self.flag(&two[1])? {
            right if right == decides => Ok(right),
            right => left.map(|_| right),
        }
    }

    fn has(&mut self, of: &'a Node, name: &'a str) -> Result<bool, Halt> {
        let of = self.item(of)?;
        match of.select(self.schemas, name.as_bytes()) {
            Ok(_) => Ok(true),
            Err(Halt::Fails) if of.is_map() => Ok(false),
            Err(halt) => Err(halt),
        }
    }

    fn is_among(&mut self, item: &'a Node, constants: &'a [Constant]) -> Result<bool, Halt> {
        let item = self.leaf(item)?;
        for constant in constants {
            if constant.item().equals(self.schemas, &item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sum(&mut self, of: &'a Node) -> Result<Item<'a>, Halt> {
        let of = self.item(of)?;
        if !of.is_list() {
            return Err(Halt::Fails);
        }
        let mut items = of.items(self.schemas)?;
        let mut total = Some(0_i128);
        while let Some(item) = items.next()? {
            let item = item.number()?;
            total = total.and_then(|total| total.checked_add(item));
        }
        number(total)
    }

    fn go_through(&mut self, all: &'a Loop) -> Result<Item<'a>, Halt> {
        let over = self.item(&all.over)?;
        match &all.does {
            Does::All(test) => self.decided(&over, test, false).map(Item::bool),
            Does::Exists(test) => self.decided(&over, test, true).map(Item::bool),
            Does::ExistsOne(test) => {
                let mut count = 0;
                self.each(&over, |run| {
                    count += i32::from(run.flag(test)?);
                    Ok(false)
                })?;
                Ok(Item::bool(count == 1))
            }
            Does::Map(test, given) => {
                let mut items = Vec::new();
                self.each(&over, |run| {
                    let is_in = test.as_ref().map_or(Ok(true), |test| run.flag(test))?;
                    if is_in {
                        items.push(run.item(given)?);
                    }
                    Ok(false)
                })?;
                Ok(Item::made(items))
            }
        }
    }

    /// Whether one of them decides it; an error stands only if none does.
    fn decided(&mut self, over: &Item<'a>, test: &'a Node, decides: bool) -> Result<bool, Halt> {
        let mut has_failed = false;
        let is_decided = self.each(over, |run| match run.flag(test) {
            Ok(flag) => Ok(flag == decides),
            Err(Halt::Fails) => {
                has_failed = true;
                Ok(false)
            }
            Err(Halt::Unsure) => Err(Halt::Unsure),
        })?;
        match is_decided {
            true => Ok(decides),
            false if has_failed => Err(Halt::Fails),
            false => Ok(!decides),
        }
    }

    /// Does something with each until it says that this is enough; whether it said so.
    fn each(
        &mut self,
        over: &Item<'a>,
        mut with: impl FnMut(&mut Self) -> Result<bool, Halt>,
    ) -> Result<bool, Halt> {
        let mut items = over.items(self.schemas)?;
        while let Some(item) = items.next()? {
            self.locals.push(item);
            let is_enough = with(self);
            self.locals.pop();
            if is_enough? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Constant {
    fn item(&self) -> Item<'_> {
        match self {
            Constant::Null => Item::Null,
            Constant::Bool(flag) => Item::bool(*flag),
            Constant::Number(number) => Item::Number(*number),
            Constant::Text(text) => Item::text(text),
            Constant::Bytes(bytes) => Item::Bytes(bytes),
        }
    }
}

/// A number that fits into 64 bits, with a sign or without.
fn number<'a>(number: Option<i128>) -> Result<Item<'a>, Halt> {
    let fits = |number: &i128| (i64::MIN.into()..=u64::MAX.into()).contains(number);
    number.filter(fits).map(Item::Number).ok_or(Halt::Fails)
}

fn calculate<'a>(
    operation: Operation,
    left: &Item<'a>,
    right: &Item<'a>,
) -> Result<Item<'a>, Halt> {
    if operation == Operation::Add && left.number().is_err() {
        // Texts, bytes and lists are put together.
        return Err(Halt::Unsure);
    }
    let (left, right) = (left.number()?, right.number()?);
    let most = i128::from(u64::MAX);
    number(match operation {
        Operation::Add => left.checked_add(right),
        Operation::Subtract => left.checked_sub(right),
        Operation::Multiply => left.checked_mul(right),
        Operation::Divide => left.checked_div(right),
        Operation::Remainder => left.checked_rem(right),
        Operation::Power => {
            let exponent = u32::try_from(right).unwrap_or(u32::MAX);
            Some(left.checked_pow(exponent).unwrap_or(most).clamp(0, most))
        }
        Operation::Saturating(operation) => {
            let exact = match operation {
                Saturating::Add => left.checked_add(right),
                Saturating::Subtract => left.checked_sub(right),
                Saturating::Multiply => left.checked_mul(right),
            };
            Some(exact.unwrap_or(most).clamp(0, most))
        }
    })
}

fn has_text(whence: Where, text: &Item<'_>, part: &Item<'_>) -> Result<bool, Halt> {
    let (Item::Text(text), Item::Text(part)) = (text, part) else {
        return Err(Halt::Fails);
    };
    Ok(match whence {
        Where::AtStart => text.starts_with(part),
        Where::AtEnd => text.ends_with(part),
        Where::Anywhere => {
            part.is_empty() || text.windows(part.len()).any(|window| window == *part)
        }
    })
}
