//! What counters and properties say of one moment. Remembers nothing.

use std::cell::OnceCell;

use crate::compiled::Halt;
use crate::condition::{Condition, Variables};
use crate::memory::{Scalar, Who};
use crate::properties::{Counter, Keeps, Rule, RuleKind};
use crate::scene::Scene;

/// What a property says of a moment.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Nothing.
    Silent,
    Holds,
    /// What was expected, and what was found.
    Wrong(String, String),
    /// What may be true once is true, of somebody.
    Once(Who),
    /// It was to be seen, and is.
    Seen,
}

/// What a moment does to a counter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub who: Who,
    pub reset: bool,
    pub put: Option<Scalar>,
}

/// Makes the variables of what is looked at.
pub(crate) trait MakesVariables {
    fn variables(&self, scene: &Scene<'_>) -> Variables;
}

/// What conditions see: read where it lies, and as variables made where a condition needs them.
pub(crate) struct View<'a> {
    scene: Scene<'a>,
    maker: &'a dyn MakesVariables,
    variables: OnceCell<Variables>,
}

impl<'a> View<'a> {
    pub fn new(scene: Scene<'a>, maker: &'a dyn MakesVariables) -> View<'a> {
        View {
            scene,
            maker,
            variables: OnceCell::new(),
        }
    }

    fn variables(&self) -> &Variables {
        let make = || self.maker.variables(&self.scene);
        self.variables.get_or_init(make)
    }

    /// Whether an error comes of there being no state.
    fn excuses(&self, condition: &Condition) -> bool {
        let (has_no_state, has_no_before) = self.scene.lacks();
        (has_no_state && condition.has("state")) || (has_no_before && condition.has("before"))
    }

    /// Whether a condition holds; None if it reads a state that there is not.
    fn holds(&self, condition: &'a Condition) -> Result<Option<bool>, String> {
        match condition.is_seen(&self.scene) {
            Ok(holds) => return Ok(Some(holds)),
            Err(Halt::Fails) if self.excuses(condition) => return Ok(None),
            Err(_) => {}
        }
        match condition.holds(self.variables()) {
            Ok(holds) => Ok(Some(holds)),
            Err(_) if self.excuses(condition) => Ok(None),
            Err(error) => Err(format!("`{}`: {error}", condition.source)),
        }
    }

    fn scalar(&self, condition: &'a Condition) -> Result<Option<Scalar>, String> {
        match condition.seen(&self.scene).map(|item| Scalar::seen(&item)) {
            Ok(Some(scalar)) => return Ok(Some(scalar)),
            Err(Halt::Fails) if self.excuses(condition) => return Ok(None),
            _ => {}
        }
        let scalar = match condition.evaluate(self.variables(), Scalar::of) {
            Ok(scalar) => scalar,
            Err(_) if self.excuses(condition) => return Ok(None),
            Err(error) => return Err(format!("`{}`: {error}", condition.source)),
        };
        let none = || format!("`{}`: no number, text or bool", condition.source);
        scalar.map(Some).ok_or_else(none)
    }

    fn is_ruled_out(&self, condition: &'a Condition) -> bool {
        let seen = condition.is_seen_ruled_out(&self.scene);
        seen.unwrap_or_else(|_| condition.is_ruled_out(self.variables()))
    }

    /// What a condition looked at, in words.
    pub fn looked_at(&self, condition: &Condition) -> String {
        condition.looked_at(self.variables())
    }
}

/// Whether a counter stays as it is, whatever it reads beside the moment.
pub(crate) fn is_kept<'a>(counter: &'a Counter, view: &View<'a>) -> bool {
    if counter.reset.is_some() {
        return false;
    }
    let is_off = counter
        .when
        .as_ref()
        .is_some_and(|when| view.is_ruled_out(when));
    let counts = counter.keeps == Keeps::Count;
    is_off || (counts && view.is_ruled_out(&counter.what))
}

/// What a property says, whatever it reads beside the moment, where one part of it is false.
pub(crate) fn ruled_out<'a>(rule: &'a Rule, view: &View<'a>) -> Option<Outcome> {
    if !rule.reads.has_any() || rule.kind == RuleKind::Absorbing {
        return None;
    }
    if rule
        .when
        .as_ref()
        .is_some_and(|when| view.is_ruled_out(when))
    {
        return Some(Outcome::Silent);
    }
    // What comes of `when` may be an error.
    let is_judged = rule
        .when
        .as_ref()
        .is_none_or(|when| when.is_of_moment() && view.holds(when) == Ok(Some(true)));
    match rule.kind {
        _ if !is_judged || !view.is_ruled_out(&rule.what) => None,
        RuleKind::Never => Some(Outcome::Holds),
        RuleKind::Sometimes | RuleKind::AtMostOnce => Some(Outcome::Silent),
        _ => None,
    }
}

/// Whose a moment is for a property or counter: by its `by`, or as the moment has it.
pub(crate) fn whose<'a>(
    by: Option<&'a Condition>,
    view: &View<'a>,
    who: &Who,
) -> Result<Who, String> {
    match by {
        None => Ok(who.clone()),
        Some(by) => Ok(view.scalar(by)?.and_then(|scalar| scalar.who())),
    }
}

/// What a moment does to a counter.
pub(crate) fn change<'a>(
    counter: &'a Counter,
    view: &View<'a>,
    who: &Who,
) -> Result<Change, String> {
    let reset = match &counter.reset {
        Some(reset) => view.holds(reset)? == Some(true),
        None => false,
    };
    let is_on = match &counter.when {
        Some(when) => view.holds(when)? == Some(true),
        None => true,
    };
    let put = match (is_on, counter.keeps) {
        (false, _) => None,
        (true, Keeps::Count) => {
            (view.holds(&counter.what)? == Some(true)).then_some(Scalar::Number(1))
        }
        (true, Keeps::Sum | Keeps::Max) => match view.scalar(&counter.what)? {
            None | Some(Scalar::Null) => None,
            Some(Scalar::Number(number)) => Some(Scalar::Number(number)),
            Some(_) => return Err(format!("`{}`: it is no number", counter.what.source)),
        },
        (true, Keeps::First | Keeps::Last) => view.scalar(&counter.what)?,
    };
    let who = match reset || put.is_some() {
        true => whose(counter.by.as_ref(), view, who)?,
        false => None,
    };
    Ok(Change { who, reset, put })
}

/// What a property says of a moment; `before` is the same with the state before the step as the
/// state, for what is absorbing.
pub(crate) fn outcome<'a>(
    rule: &'a Rule,
    view: &View<'a>,
    before: Option<&View<'a>>,
    who: &Who,
    is_still: bool,
) -> Outcome {
    let judged = match rule.kind {
        RuleKind::Absorbing => absorbs(rule, view, before, is_still),
        _ => judge(rule, view, who),
    };
    judged.unwrap_or_else(|error| match rule.kind {
        RuleKind::Sometimes => Outcome::Silent,
        _ => Outcome::Wrong("conditions that can be evaluated".to_owned(), error),
    })
}

fn judge<'a>(rule: &'a Rule, view: &View<'a>, who: &Who) -> Result<Outcome, String> {
    if let Some(when) = &rule.when
        && view.holds(when)? != Some(true)
    {
        return Ok(Outcome::Silent);
    }
    if let Some(by) = rule
        .by
        .as_ref()
        .filter(|_| rule.kind != RuleKind::AtMostOnce)
    {
        // The counters that it reads are somebody's: who that is must be known.
        view.scalar(by)?;
    }
    let Some(is) = view.holds(&rule.what)? else {
        return Ok(Outcome::Silent);
    };
    Ok(match (rule.kind, is) {
        (RuleKind::Sometimes, true) => Outcome::Seen,
        (RuleKind::Sometimes, false) => Outcome::Silent,
        (RuleKind::AtMostOnce, true) => Outcome::Once(whose(rule.by.as_ref(), view, who)?),
        (RuleKind::AtMostOnce, false) => Outcome::Silent,
        (RuleKind::Never, true) | (RuleKind::Always | RuleKind::Eventually, false) => {
            Outcome::Wrong(rule.expected.clone(), view.looked_at(&rule.what))
        }
        _ => Outcome::Holds,
    })
}

fn absorbs<'a>(
    rule: &'a Rule,
    view: &View<'a>,
    before: Option<&View<'a>>,
    is_still: bool,
) -> Result<Outcome, String> {
    let Some(before) = before else {
        return Ok(Outcome::Silent);
    };
    if before.holds(&rule.what)? != Some(true) {
        return Ok(Outcome::Silent);
    }
    if let Some(unless) = &rule.unless
        && view.holds(unless)? == Some(true)
    {
        return Ok(Outcome::Silent);
    }
    if is_still {
        return Ok(Outcome::Holds);
    }
    let found = before.looked_at(&rule.what);
    let found = format!("a step that changed something, from {found}");
    Ok(Outcome::Wrong(rule.expected.clone(), found))
}
