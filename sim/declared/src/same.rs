//! By what services know work again: `[same]`.

use crate::answers::{Of, params_of, work_named};
use crate::condition::Condition;
use crate::expand::Definitions;
use crate::file::File;
use crate::given::Asked;
use crate::memory::Scalar;
use crate::shape::{Shape, Wanted};
use crate::trouble::Troubles;
use sim_air::{Air, PlanId};
use sim_model::Work;

/// What is said of all work that services know again.
#[derive(Debug)]
pub(crate) struct Same {
    listed: Vec<(Of, Condition)>,
}

impl Same {
    /// Reads what a file says.
    pub fn read<'a>(
        file: &'a File,
        (air, definitions): (&'a Air, &Definitions),
        troubles: &mut Troubles<'a>,
    ) -> Same {
        let mut entries: Vec<_> = file.root.same.iter().collect();
        entries.sort_by_key(|(_, source)| source.span().start);
        let mut listed = Vec::new();
        for (name, source) in entries {
            let at = source.span().start;
            let Some(of) = work_named(air, name, at, troubles) else {
                continue;
            };
            let schemas = &air.schemas;
            let (variable, schema) = match of {
                Of::Kind(effect) => ("params", Some(air.effects[effect.index()].params)),
                Of::Asks(plan, receipt) => ("params", params_of(air, plan, receipt)),
                Of::Raises(plan, _) => ("input", Some(air.plans[plan.index()].input)),
            };
            let Some(schema) = schema else { continue };
            let shape = Shape::Air(schemas.ty(schema).clone());
            let variables = [(variable.to_owned(), shape)];
            let known = (&variables[..], definitions);
            let parsed = Condition::parse(source.get_ref(), schemas, known, Wanted::Anything);
            match parsed {
                Ok(condition) => listed.push((of, condition)),
                Err(problems) => {
                    for (message, hint) in problems {
                        troubles.add(at, message).maybe_hint(hint);
                    }
                }
            }
        }
        Same { listed }
    }

    /// The key of a piece of work; None if there is none, or it is null or an error.
    pub fn key(&self, air: &Air, work: &Work<'_>) -> Option<Vec<u8>> {
        if self.listed.is_empty() {
            return None;
        }
        let schemas = &air.schemas;
        let (name, schema, bytes) = match *work {
            Work::Effect { effect, params, .. } => {
                ("params", air.effects[effect.index()].params, params)
            }
            Work::Plan { plan, input } => ("input", air.plans[plan.index()].input, input),
        };
        let place = self.place(air, work)?;
        let value = schemas.decode(schema, bytes).ok()?;
        let asked = Asked {
            schemas,
            name,
            ty: schemas.ty(schema),
            value: &value,
        };
        let (_, condition) = &self.listed[place];
        let key = condition.evaluate(&asked.variables(), Scalar::of).ok()??;
        let key = key.who()?;
        // Keys of one kind of work mean nothing to another.
        Some(format!("{place} {key}").into_bytes())
    }

    /// What is said of a plan comes before what is said of a kind of effect.
    fn place(&self, air: &Air, work: &Work<'_>) -> Option<usize> {
        let find = |is: &dyn Fn(Of) -> bool| self.listed.iter().position(|(of, _)| is(*of));
        let raises = |of: Of, plan: PlanId| matches!(of, Of::Raises(known, _) if known == plan);
        match *work {
            Work::Plan { plan, .. } => find(&|of| raises(of, plan)),
            Work::Effect { effect, plan, .. } => {
                let receipt = air.effects[effect.index()].receipt;
                let by_plan = plan.and_then(|plan| find(&|of| of == Of::Asks(plan, receipt)));
                by_plan.or_else(|| find(&|of| of == Of::Kind(effect)))
            }
        }
    }
}
