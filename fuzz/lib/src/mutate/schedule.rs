//! Mutations of the schedule as a list: what stands where.

use arbitrary::{Result, Unstructured};
use sim::scenario::{Decision, Scenario};

use super::{Palette, decisions};

/// The longest run of decisions that is duplicated, moved or taken over.
const LONGEST_RUN: usize = 8;

/// Appends a decision: one that is known to be possible there, or any.
pub fn go_on(
    scenario: &mut Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let index = dice.int_in_range(0..=palette.possible.len())?;
    let decision = match palette.possible.get(index) {
        Some(possible) => Some(decisions::varied(possible.clone(), palette, dice)?),
        None => decisions::new(scenario, palette, dice)?,
    };
    scenario.schedule.extend(decision);
    Ok(())
}

/// Inserts a new decision anywhere.
pub fn insert(
    scenario: &mut Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let Some(decision) = decisions::new(scenario, palette, dice)? else {
        return Ok(());
    };
    let place = dice.int_in_range(0..=scenario.schedule.len())?;
    scenario.schedule.insert(place, decision);
    Ok(())
}

pub fn delete(schedule: &mut Vec<Decision>, dice: &mut Unstructured<'_>) -> Result<()> {
    if let Some((start, end)) = run(schedule, dice)? {
        schedule.drain(start..end);
    }
    Ok(())
}

pub fn duplicate(schedule: &mut Vec<Decision>, dice: &mut Unstructured<'_>) -> Result<()> {
    if let Some((start, end)) = run(schedule, dice)? {
        let copy = schedule[start..end].to_vec();
        let place = dice.int_in_range(0..=schedule.len())?;
        schedule.splice(place..place, copy);
    }
    Ok(())
}

pub fn swap(schedule: &mut [Decision], dice: &mut Unstructured<'_>) -> Result<()> {
    if schedule.len() >= 2 {
        let first = dice.choose_index(schedule.len())?;
        let second = dice.choose_index(schedule.len())?;
        schedule.swap(first, second);
    }
    Ok(())
}

pub fn relocate(schedule: &mut Vec<Decision>, dice: &mut Unstructured<'_>) -> Result<()> {
    if let Some((start, end)) = run(schedule, dice)? {
        let taken: Vec<Decision> = schedule.drain(start..end).collect();
        let place = dice.int_in_range(0..=schedule.len())?;
        schedule.splice(place..place, taken);
    }
    Ok(())
}

/// Changes one field of one decision, or puts another in its place.
pub fn change(
    scenario: &mut Scenario,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    if scenario.schedule.is_empty() {
        return insert(scenario, palette, dice);
    }
    let index = dice.choose_index(scenario.schedule.len())?;
    if dice.ratio(1, 4)?
        && let Some(other) = decisions::new(scenario, palette, dice)?
    {
        scenario.schedule[index] = other;
        return Ok(());
    }
    decisions::change(&mut scenario.schedule[index], palette, dice)
}

/// Inserts a run of another schedule, or goes on from somewhere as the other does.
pub fn splice(
    schedule: &mut Vec<Decision>,
    other: &[Decision],
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    if other.is_empty() {
        return Ok(());
    }
    let place = dice.int_in_range(0..=schedule.len())?;
    if dice.arbitrary()? {
        let from = dice.choose_index(other.len())?;
        schedule.truncate(place);
        schedule.extend_from_slice(&other[from..]);
    } else if let Some((start, end)) = run(other, dice)? {
        schedule.splice(place..place, other[start..end].to_vec());
    }
    Ok(())
}

/// A run of decisions, mostly one.
fn run(schedule: &[Decision], dice: &mut Unstructured<'_>) -> Result<Option<(usize, usize)>> {
    if schedule.is_empty() {
        return Ok(None);
    }
    let start = dice.choose_index(schedule.len())?;
    let longest = LONGEST_RUN.min(schedule.len() - start);
    let length = match dice.ratio(2, 3)? {
        true => 1,
        false => dice.int_in_range(1..=longest)?,
    };
    Ok(Some((start, start + length)))
}
