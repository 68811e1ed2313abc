//! Which step of an instance comes next: what is ready, what is skipped, what has nothing left.

use serde_json::Value as Json;

use super::document::{Plan, text};
use super::{Cause, Failure, Instance, Interpreter, Status};
use crate::plans::Planted;
use crate::plans::value::Val;

enum Readiness {
    Ready,
    NotYet,
    Never,
}

impl Interpreter<'_> {
    /// What the next tick of an instance would run. Ends it if it cannot go on.
    pub fn next(&mut self, which: usize) -> Option<usize> {
        let next = self.skip(which).and_then(|()| self.first_ready(which));
        match next {
            Ok(Some(step)) => Some(step),
            Ok(None) => {
                let settled = |it: &Status| matches!(it, Status::Completed | Status::Skipped);
                if self.instances[which].status.iter().all(settled) {
                    self.end(which, None);
                }
                None
            }
            Err(failure) => {
                self.end(which, Some(failure));
                None
            }
        }
    }

    fn skip(&mut self, which: usize) -> Result<(), Failure> {
        loop {
            let mut skipped = false;
            for step in 0..self.plan.steps.len() {
                if self.instances[which].status[step] != Status::Pending {
                    continue;
                }
                if let Readiness::Never = self.readiness(which, step)? {
                    self.instances[which].status[step] = Status::Skipped;
                    self.notes.note("skipped");
                    skipped = true;
                }
            }
            if !skipped {
                return Ok(());
            }
        }
    }

    fn first_ready(&mut self, which: usize) -> Result<Option<usize>, Failure> {
        let mut found = None;
        for step in 0..self.plan.steps.len() {
            let ready = match &self.instances[which].status[step] {
                Status::Pending => matches!(self.readiness(which, step)?, Readiness::Ready),
                Status::Waiting(Some(_)) => true,
                Status::Waiting(None) => self.receipt_of(which, step).is_some(),
                _ => false,
            };
            if ready && (found.is_none() || self.planted == Planted::HighestIdFirst) {
                found = Some(step);
            }
        }
        Ok(found)
    }

    fn readiness(&mut self, which: usize, step: usize) -> Result<Readiness, Failure> {
        let id = &self.plan.steps[step]["id"];
        let into: Vec<&Json> = self
            .plan
            .edges
            .iter()
            .filter(|it| it["to"] == *id)
            .collect();
        let status = |plan: &Plan<'_>, edge: &Json, instance: &Instance| {
            instance.status[plan.number(&edge["from"])].clone()
        };
        for edge in &into {
            match status(&self.plan, edge, &self.instances[which]) {
                Status::Pending | Status::Waiting(_) => return Ok(Readiness::NotYet),
                Status::Skipped if self.planted == Planted::SkippedIsUnsettled => {
                    return Ok(Readiness::NotYet);
                }
                _ => {}
            }
        }
        let (mut live, mut blocked) = (0, 0);
        for edge in &into {
            if status(&self.plan, edge, &self.instances[which]) == Status::Skipped {
                continue;
            }
            match self.guard(which, edge)? {
                true => live += 1,
                false => blocked += 1,
            }
        }
        let joins = into.len() > 1;
        Ok(match (into.len(), live, blocked) {
            (0, _, _) => Readiness::Ready,
            (count, 1.., 0) => {
                if joins {
                    self.notes.note(if live == count {
                        "join"
                    } else {
                        "join after a branch"
                    });
                }
                Readiness::Ready
            }
            _ => Readiness::Never,
        })
    }

    fn guard(&mut self, which: usize, edge: &Json) -> Result<bool, Failure> {
        if edge["when"].is_null() || self.planted == Planted::GuardsIgnored {
            return Ok(true);
        }
        let cause = match self.evaluate(which, None, &edge["when"]) {
            Ok(Val::Bool(flag)) => {
                self.notes
                    .note(if flag { "guard true" } else { "guard false" });
                return Ok(flag);
            }
            Ok(_) => Cause::NotBool,
            Err(cause) => cause,
        };
        let ends = ["from", "to"].map(|end| text(&edge[end]).to_owned());
        let place = ["guard".to_owned()].into_iter().chain(ends).collect();
        Err(Failure { place, cause })
    }

    /// The receipt that an await is for, if it is there.
    pub(super) fn receipt_of(&self, which: usize, step: usize) -> Option<Val> {
        let reference = text(&self.plan.steps[step]["for"]["ref"]);
        let handle = match reference.strip_prefix("@step:") {
            Some(id) => {
                let emit = self.plan.steps.iter().find(|step| step["id"] == id)?;
                text(&emit["bind"]["effect_id_as"])
            }
            None => reference.strip_prefix("@var:")?,
        };
        let mut sent = self.instances[which].sent.iter();
        sent.find(|sent| sent.handle == handle)?.receipt.clone()
    }
}
