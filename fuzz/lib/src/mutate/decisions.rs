//! New decisions, and changes of one.

use arbitrary::{Result, Unstructured};
use sim::scenario::{Decision, ItemName, Scenario};
use sim::trace::{CrashPoint, Recovery, Status};

use super::{Palette, values};

/// One decision in so many that bring an event meets a crash.
const CRASHES: (u32, u32) = (1, 32);

/// Any decision: something that was possible in some run, a start, a spurious event, or a fault on
/// either.
pub fn new(
    scenario: &Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<Option<Decision>> {
    let decision = match dice.int_in_range(0..=9)? {
        0..=3 if !palette.pool.decisions.is_empty() => {
            let known = dice.choose(&palette.pool.decisions)?.clone();
            return varied(known, palette, dice).map(Some);
        }
        4..=7 => spurious(scenario, palette, dice)?,
        8 => Some(match dice.arbitrary()? {
            true => Decision::Snapshot,
            false => Decision::Advance {
                to_ns: dice.arbitrary()?,
            },
        }),
        _ if scenario.requests.is_empty() => None,
        _ => Some(Decision::Start {
            request: dice.choose(&scenario.requests)?.name.clone(),
        }),
    };
    match decision {
        Some(decision) => perhaps_crash(decision, dice).map(Some),
        None => Ok(None),
    }
}

/// A spurious event, made by the model; now and then with a leaf changed.
fn spurious(
    scenario: &Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<Option<Decision>> {
    let mut stream = palette.stream(dice)?;
    let made = palette.model.spurious(&scenario.requests, &mut stream);
    let Some(mut made) = made else {
        return Ok(None);
    };
    if dice.ratio(1, 4)? {
        let place = (made.schema, &mut made.value);
        values::change(&palette.air.schemas, place, palette, dice)?;
    }
    Ok(Some(Decision::Inject {
        schema: made.schema,
        value: made.value,
        cell: made.cell,
    }))
}

/// The same decision ended in any way, as another verb on the same thing, or met by a crash.
pub fn varied(
    mut decision: Decision,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<Decision> {
    if let Decision::Deliver(item) = &decision
        && dice.ratio(1, 4)?
    {
        let item = item.clone();
        decision = match dice.int_in_range(0..=1)? {
            0 => Decision::Duplicate(item),
            _ => Decision::Drop(item),
        };
    }
    match &mut decision {
        Decision::Step {
            answer: Some(answer),
            ..
        }
        | Decision::Receipt { answer, .. } => answer.clone_from(dice.choose(&palette.answers)?),
        Decision::Fire { .. } if dice.ratio(1, 3)? => change(&mut decision, palette, dice)?,
        _ => {}
    }
    perhaps_crash(decision, dice)
}

fn perhaps_crash(decision: Decision, dice: &mut Unstructured<'_>) -> Result<Decision> {
    if decision.verb().arrives() && dice.ratio(CRASHES.0, CRASHES.1)? {
        return crash(decision, dice);
    }
    Ok(decision)
}

fn crash(during: Decision, dice: &mut Unstructured<'_>) -> Result<Decision> {
    Ok(Decision::Crash {
        point: *dice.choose(&CrashPoint::ALL)?,
        recovery: *dice.choose(&Recovery::ALL)?,
        during: Box::new(during),
    })
}

/// Changes one field.
pub fn change(
    decision: &mut Decision,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    if decision.verb().arrives() && dice.ratio(CRASHES.0, CRASHES.1)? {
        let during = std::mem::replace(decision, Decision::Snapshot);
        *decision = crash(during, dice)?;
        return Ok(());
    }
    match decision {
        Decision::Deliver(item)
        | Decision::Duplicate(item)
        | Decision::Drop(item)
        | Decision::Redeliver(item) => change_item(item, palette, dice)?,
        Decision::Step {
            answer: Some(answer),
            ..
        }
        | Decision::Receipt { answer, .. } => answer.clone_from(dice.choose(&palette.answers)?),
        Decision::Step { plan, .. } => change_item(plan, palette, dice)?,
        Decision::Fire {
            timer,
            at_ns,
            status,
            twice,
            value: _,
        } => match dice.int_in_range(0..=4)? {
            0 => change_item(timer, palette, dice)?,
            1 => *at_ns = changed_time(*at_ns, dice)?,
            2 | 3 => *status = *dice.choose(&Status::ALL)?,
            _ => *twice = !*twice,
        },
        Decision::Inject { schema, value, .. } => {
            values::change(&palette.air.schemas, (*schema, value), palette, dice)?;
        }
        Decision::Advance { to_ns } => *to_ns = changed_time(Some(*to_ns), dice)?.unwrap_or(1),
        Decision::Crash {
            point,
            recovery,
            during,
        } => match dice.int_in_range(0..=3)? {
            0 => *point = *dice.choose(&CrashPoint::ALL)?,
            1 => *recovery = *dice.choose(&Recovery::ALL)?,
            2 => change(during, palette, dice)?,
            _ => {
                let during = std::mem::replace(&mut **during, Decision::Snapshot);
                *decision = during;
            }
        },
        Decision::Start { .. } | Decision::Snapshot => {}
    }
    Ok(())
}

fn change_item(
    item: &mut ItemName,
    palette: &Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    if dice.arbitrary()? {
        item.nth = dice.int_in_range(1..=3)?;
    } else if !palette.words.is_empty() {
        item.correlation = Some(dice.choose(&palette.words)?.clone());
    }
    Ok(())
}

fn changed_time(time_ns: Option<u64>, dice: &mut Unstructured<'_>) -> Result<Option<u64>> {
    const MS: u64 = 1_000_000;
    Ok(match (time_ns, dice.int_in_range(0..=4)?) {
        (Some(_), 0) => None,
        (Some(ns), 1) => Some(ns.saturating_add(1)),
        (Some(ns), 2) => Some(ns.saturating_sub(1)),
        (_, 3) => Some(dice.int_in_range(0..=10_000)? * MS),
        _ => Some(dice.arbitrary()?),
    })
}
