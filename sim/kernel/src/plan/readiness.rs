//! Which step of a plan instance comes next. Runs none.

use super::{PlanError, PlanInstance, PlanStatus};
use sim_air::{Expr, Op, Plan, Value};

enum Readiness {
    Ready,
    NotYet,
    Never,
}

impl PlanInstance {
    /// The step that the next tick runs: of those that are ready, the first by id. What can no
    /// longer run is skipped before that is asked, since it may make another step ready.
    /// `passed_over` gets the edges whose guards were false where a step was skipped for them.
    pub fn next(
        &mut self,
        plan: &Plan,
        mut passed_over: impl FnMut(usize),
    ) -> Result<Option<usize>, PlanError> {
        loop {
            let (mut first, mut skipped) = (None, false);
            for index in 0..plan.steps.len() {
                let ready = match self.status[index] {
                    PlanStatus::Pending => match self.readiness(plan, index)? {
                        Readiness::Ready => true,
                        Readiness::NotYet => false,
                        Readiness::Never => {
                            self.false_guards(plan, index).for_each(&mut passed_over);
                            self.status[index] = PlanStatus::Skipped;
                            skipped = true;
                            false
                        }
                    },
                    PlanStatus::Waiting | PlanStatus::Arrived => {
                        self.awaited(plan, index).is_some()
                    }
                    PlanStatus::Completed | PlanStatus::Skipped => false,
                };
                if ready && first.is_none() {
                    first = Some(index);
                }
            }
            if !skipped {
                return Ok(first);
            }
        }
    }

    /// Whether nothing is left that could run or is waited for.
    pub fn is_exhausted(&self) -> bool {
        self.status
            .iter()
            .all(|status| matches!(status, PlanStatus::Completed | PlanStatus::Skipped))
    }

    /// What an await waits for, if it is there.
    pub(super) fn awaited(&self, plan: &Plan, index: usize) -> Option<&Value> {
        match &plan.steps[index].op {
            Op::AwaitReceipt { handle, .. } => {
                let mut effects = self.held().effects.iter();
                let sent = effects.find(|sent| sent.handle == *handle);
                sent.and_then(|sent| sent.receipt.as_ref())
            }
            _ => self.arrived(index),
        }
    }

    /// Guards count once all that comes before the step is settled, in whatever order the edges
    /// are written: what one of them reads may be set by another predecessor.
    fn readiness(&self, plan: &Plan, index: usize) -> Result<Readiness, PlanError> {
        let into = || plan.edges.iter().filter(|edge| edge.to == index);
        let settled = |step: usize| {
            matches!(
                self.status[step],
                PlanStatus::Completed | PlanStatus::Skipped
            )
        };
        if !into().all(|edge| settled(edge.from)) {
            return Ok(Readiness::NotYet);
        }
        let (mut edges, mut live, mut blocked) = (0, false, false);
        for edge in into() {
            edges += 1;
            if self.status[edge.from] == PlanStatus::Skipped {
                continue;
            }
            let Some(guard) = &edge.when else {
                live = true;
                continue;
            };
            let ends = || [edge.from, edge.to].map(|step| plan.steps[step].id.clone());
            match guard.eval(&self.scope(None)) {
                Ok(Value::Bool(true)) => live = true,
                Ok(Value::Bool(false)) => blocked = true,
                Ok(_) => {
                    let [from, to] = ends();
                    return Err(PlanError::GuardType { from, to });
                }
                Err(cause) => {
                    let [from, to] = ends();
                    return Err(PlanError::Guard { from, to, cause });
                }
            }
        }
        Ok(match (edges, live && !blocked) {
            (0, _) | (_, true) => Readiness::Ready,
            _ => Readiness::Never,
        })
    }

    /// The guarded edges into a step whose predecessors completed and whose guards are false.
    fn false_guards<'a>(&'a self, plan: &'a Plan, step: usize) -> impl Iterator<Item = usize> {
        let edges = plan.edges.iter().enumerate();
        let into = edges.filter(move |(_, edge)| edge.to == step);
        let live = into.filter(|(_, edge)| self.status[edge.from] == PlanStatus::Completed);
        let is_false =
            |guard: &Expr| matches!(guard.eval(&self.scope(None)), Ok(Value::Bool(false)));
        live.filter(move |(_, edge)| edge.when.as_ref().is_some_and(is_false))
            .map(|(index, _)| index)
    }

    /// The guarded edges by which a step that is run was reached.
    pub fn taken_edges<'a>(&'a self, plan: &'a Plan, step: usize) -> impl Iterator<Item = usize> {
        let edges = plan.edges.iter().enumerate();
        let into = edges.filter(move |(_, edge)| edge.to == step && edge.when.is_some());
        into.filter(|(_, edge)| self.status[edge.from] == PlanStatus::Completed)
            .map(|(index, _)| index)
    }
}
