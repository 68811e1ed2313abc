//! The harness tested by faults that were planted: each must be found, or it was not looked for.
//!
//! Of every [`PlantedBug`] of a world, a reducer with one thing wrong: from several starting seeds,
//! how many seeds it takes until a property that is about it is violated; how short what was found
//! can be shrunk; and how short the explorer says it could be. Of the harness itself: faults such
//! as an invariant that never fires, and the check that notices each ([`HARNESS`]).
//!
//! Which world that is the caller says, as a [`Subject`]. Never knows one itself.

mod harness;

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use sim_air::Air;
use sim_host::{Code, Limits, LoadError, default_cache_dir};
use sim_kernel::World;
use sim_model::{Model, Properties};
use sim_record::interrupt::Interrupt;
use sim_record::random::Seed;
use sim_record::scenario::{Bounds, Mix, PlanMode};
use sim_search::campaign::{self, CampaignOptions, Effort, Failure, Runner, Sighting, Stop, Told};
use sim_search::explore::{self, ExploreOptions, Outcome};
use sim_search::shrink::Budget;
use sim_search::threads;

pub use harness::{HARNESS, Sabotage};
pub use sim_model::{PlantedBug, Shape};

/// A world of one reducer, and the bugs that are planted in that.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The documents.
    pub air: &'a Air,
    /// The reducer as it ships.
    pub wasm: &'a [u8],
    /// The model of the world, whichever reducer is in it.
    pub model: fn(&World) -> Box<dyn Model>,
    /// What must be found.
    pub bugs: &'a [PlantedBug],
}

impl Subject<'_> {
    /// The world with the reducer that ships.
    ///
    /// # Errors
    /// If that is none.
    pub fn shipped(&self) -> Result<World, LoadError> {
        let cache = default_cache_dir();
        let code = Code::load(self.wasm, Limits::default(), cache.as_deref())?;
        Ok(World::new(self.air.clone(), vec![code]))
    }

    /// The world with a planted bug.
    ///
    /// # Errors
    /// If its reducer is none.
    pub fn planted(&self, bug: &PlantedBug) -> Result<World, LoadError> {
        planted_world(self.air, &bug.wasm)
    }

    /// The same, to be searched.
    ///
    /// # Errors
    /// If its reducer is none.
    pub fn sought<'b>(&self, bug: &'b PlantedBug) -> Result<Sought<'b>, LoadError> {
        let world = self.planted(bug)?;
        Ok(Sought {
            name: bug.name,
            model: (self.model)(&world),
            world,
            properties: bug.properties.to_vec(),
            shape: bug.shape.as_ref(),
            is_deep: bug.is_deep,
        })
    }

    /// What must hold in the world, and what must happen in it.
    ///
    /// # Errors
    /// If the reducer that ships is none.
    pub fn properties(&self) -> Result<Properties, LoadError> {
        let world = self.shipped()?;
        Ok(Properties::of(&world, &*(self.model)(&world)))
    }
}

/// A bug that is searched, in whichever world.
pub struct Sought<'a> {
    /// Its name.
    pub name: &'a str,
    /// The world that has it.
    pub world: World,
    /// The model of the world.
    pub model: Box<dyn Model>,
    /// The properties that are about it; to violate one of them is to find it.
    pub properties: Vec<&'a str>,
    /// The small world in which the explorer must find it; None if it is not asked.
    pub shape: Option<&'a Shape>,
    /// It takes a hundred decisions and more to see it.
    pub is_deep: bool,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct SelftestOptions {
    /// The first of them; the others are far apart.
    pub first_seed: u64,
    /// Starting seeds from which each bug is searched.
    pub starts: u32,
    /// A search that has not found a bug within so many seeds has missed it.
    pub most_seeds: u64,
    /// How many of what was found is shrunk, of each bug.
    pub shrinks: u32,
    /// One fault mix for all seeds, or one that each draws.
    pub mix: Mix,
    /// Threads; the result is the same for any number.
    pub jobs: usize,
}

/// Within so many seeds the bugs of the built-in world are found.
pub const MOST_SEEDS: u64 = 2_048;
/// From one starting seed to the next.
const BETWEEN_STARTS: u64 = 1_000_000;
/// Seeds that are run before it is looked whether one has failed.
const SEEDS_AT_ONCE: u64 = 64;
/// Loops end soon: planted machines do little in a step, though payloads may be long.
const FUEL_PER_STEP: u64 = 5_000_000;
/// Of a deep bug no more than so many are shrunk: each takes some ten seconds.
const MOST_DEEP_SHRINKS: u32 = 1;
/// Decisions in a row where every scene is explored.
const DEEP: u32 = 1_000;
/// For one exploration.
const MEMORY_BYTES: usize = 2 << 30;

/// What came of one bug.
#[derive(Clone, PartialEq, Debug)]
pub struct Searched {
    /// Its name.
    pub name: String,
    /// Whether the explorer must find it.
    pub is_explored: bool,
    /// Seeds until it was found, from each start, in order of size; None where it was missed.
    pub seeds: Vec<Option<u64>>,
    /// By property, in the order of reports.
    pub found: Vec<FoundByProperty>,
    /// A property that was violated where none that is about it was.
    pub instead: Option<String>,
}

/// What was found of a bug by way of one property.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundByProperty {
    /// Its name.
    pub property: String,
    /// From how many starts.
    pub starts: u32,
    /// Decisions of the shrunk schedules, in order of size.
    pub shrunk: Vec<usize>,
    /// Decisions of the shortest schedule there is in the bug's small world.
    pub explored: Option<usize>,
}

impl Searched {
    /// The median of the seeds until it was found; None if most starts missed it.
    pub fn median(&self) -> Option<u64> {
        self.seeds.get(self.seeds.len() / 2).copied().flatten()
    }

    /// What is wrong: it was missed, or a shrunk schedule is longer than it could be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let missed = self.seeds.iter().filter(|seeds| seeds.is_none()).count();
        if missed > 0 {
            let instead = self.instead.as_ref();
            let instead = instead.map(|one| format!(", {one} was violated instead"));
            let instead = instead.unwrap_or_default();
            faults.push(format!("missed from {missed} starts{instead}"));
        }
        for found in &self.found {
            let name = &found.property;
            let longest = found.shrunk.last();
            if let (Some(shortest), Some(longest)) = (found.explored, longest)
                && *longest > shortest
            {
                faults.push(format!("{name} shrunk to {longest}, could be {shortest}"));
            }
        }
        if self.is_explored && self.found.iter().all(|found| found.explored.is_none()) {
            faults.push("missed by the explorer".to_owned());
        }
        faults
    }
}

/// Searches every bug; `told` gets each result, in order, as soon as it and those before it are
/// there.
///
/// # Errors
/// If a planted reducer cannot be run.
pub fn run(
    bugs: &[Sought<'_>],
    options: &SelftestOptions,
    mut told: impl FnMut(&Searched) + Send,
) -> anyhow::Result<Vec<Searched>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<(Vec<Option<anyhow::Result<Searched>>>, usize)> =
        Mutex::new((bugs.iter().map(|_| None).collect(), 0));
    let told: Mutex<&mut (dyn FnMut(&Searched) + Send)> = Mutex::new(&mut told);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(bug) = bugs.get(index) else {
                break;
            };
            let result = search(bug, options);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            let (results, told_so_far) = &mut *done;
            results[index] = Some(result);
            while let Some(Some(Ok(result))) = results.get(*told_so_far) {
                told.lock().unwrap_or_else(PoisonError::into_inner)(result);
                *told_so_far += 1;
            }
        }
    };
    std::thread::scope(|scope| {
        // This thread works too.
        let others = 1..options.jobs.min(bugs.len()).max(1);
        threads::begin(scope, others.map(|_| work));
        work();
    });
    let (results, _) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect()
}

/// A world whose one reducer has something wrong: with little fuel, for those that loop, and with
/// leaks refused.
///
/// # Errors
/// If it is no reducer.
pub fn planted_world(air: &Air, wasm: &[u8]) -> Result<World, LoadError> {
    let limits = Limits {
        fuel_per_step: FUEL_PER_STEP,
        ..Limits::default()
    };
    let cache = default_cache_dir();
    let code = Code::load(wasm, limits, cache.as_deref())?;
    let mut world = World::new(air.clone(), vec![code]);
    world.expected.forbids_leaks = true;
    Ok(world)
}

/// Searches one bug.
///
/// # Errors
/// If the planted reducers cannot be run.
pub fn search(bug: &Sought<'_>, options: &SelftestOptions) -> anyhow::Result<Searched> {
    let (world, model) = (&bug.world, &*bug.model);
    let mut result = Searched {
        name: bug.name.to_owned(),
        is_explored: bug.shape.is_some(),
        seeds: Vec::new(),
        found: Vec::new(),
        instead: None,
    };
    let mut runner = Runner::new(world, model)?;
    let most_shrinks = match bug.is_deep {
        true => options.shrinks.min(MOST_DEEP_SHRINKS),
        false => options.shrinks,
    };
    let mut shrunk_so_far = 0;
    for start in 0..u64::from(options.starts) {
        let start = options.first_seed + start * BETWEEN_STARTS;
        let Some(first) = first_failure(bug, start, options, &mut result.instead)? else {
            result.seeds.push(None);
            continue;
        };
        result.seeds.push(Some(first.seed.0 - start + 1));
        let property = first.property;
        let known = result
            .found
            .iter()
            .position(|found| found.property == property);
        let index = known.unwrap_or_else(|| {
            result.found.push(FoundByProperty {
                property: property.clone(),
                starts: 0,
                shrunk: Vec::new(),
                explored: None,
            });
            result.found.len() - 1
        });
        result.found[index].starts += 1;
        if shrunk_so_far < most_shrinks {
            shrunk_so_far += 1;
            let sighting = &first.sighting;
            let budget = Budget::default();
            let shrunk = runner.shrink(&sighting.scenario, &sighting.signature, budget, |_| {});
            // The shortest violation of the property may show another fault.
            let length = shrunk.map(|(shrunk, others)| {
                let others = others.iter();
                let others = others.filter(|other| shows(other, &property));
                let lengths = others.map(|other| other.scenario.schedule.len());
                let length = shrunk.scenario.schedule.len();
                lengths.fold(length, usize::min)
            });
            result.found[index].shrunk.extend(length);
        }
    }
    // Those that were missed come last.
    result.seeds.sort_by_key(|seeds| seeds.unwrap_or(u64::MAX));
    let properties = Properties::of(world, model);
    let found = &mut result.found;
    found.sort_by_key(|found| properties.find(&found.property));
    for found in &mut result.found {
        found.shrunk.sort_unstable();
        found.explored = match bug.shape {
            Some(shape) => shortest(world, model, shape, &found.property)?,
            None => None,
        };
    }
    Ok(result)
}

/// Whether a run violates a property, among others.
fn shows(sighting: &Sighting, property: &str) -> bool {
    let mut violates = sighting.signature.violates.iter();
    violates.any(|name| name == property)
}

/// A seed that violates a property which a bug is about.
struct First {
    seed: Seed,
    property: String,
    /// As it is seen on fresh instances, if it is seen there.
    sighting: Sighting,
}

/// The first seed from `start` on that violates a property which the bug is about, and the first
/// such that it violates; `instead` gets another that was violated before.
fn first_failure(
    bug: &Sought<'_>,
    start: u64,
    options: &SelftestOptions,
    instead: &mut Option<String>,
) -> anyhow::Result<Option<First>> {
    let (world, model) = (&bug.world, &*bug.model);
    let is_about = |property: &str| bug.properties.contains(&property);
    let mut runner = Runner::new(world, model)?;
    runner.set_effort(Effort::Thorough);
    let mut seeds = start..start + SEEDS_AT_ONCE;
    while seeds.start < start + options.most_seeds {
        let mut faults = Vec::new();
        campaign::run(
            world,
            model,
            &CampaignOptions {
                seeds: seeds.clone(),
                jobs: 1,
                plans: PlanMode::Answered,
                bounds: Bounds::default(),
                mix: options.mix,
                effort: Effort::Sampled,
                remember: false,
                twice: false,
                stop: Stop::Never,
                interrupt: Interrupt::default(),
            },
            |told| {
                if let Told::Found(failure) = told {
                    faults.push(failure.clone());
                }
            },
        )?;
        for Failure { seed, sighting, .. } in faults {
            let violates = &sighting.signature.violates;
            let Some(property) = violates.iter().find(|one| is_about(one)) else {
                if instead.is_none() {
                    *instead = violates.first().map(|one| one.to_string());
                }
                continue;
            };
            let property = property.to_string();
            // A reducer that hides something may have failed by what runs before this one left in
            // its memory: then that is what was found.
            runner.renew()?;
            let checked = runner.replay(&sighting.scenario);
            let alone = runner.sightings(&sighting.scenario, &checked);
            let violating = |property: &str| alone.iter().find(|seen| shows(seen, property));
            let hidden = alone.iter().flat_map(|seen| &seen.signature.violates);
            let hidden = hidden.map(|name| name.to_string());
            let hidden = hidden.into_iter().find(|one| is_about(one));
            let seen = [Some(property.clone()), hidden].into_iter().flatten();
            let mut seen = seen.filter_map(|one| {
                let sighting = violating(&one)?.clone();
                Some((one, sighting))
            });
            let (property, sighting) = seen.next().unwrap_or((property, sighting));
            return Ok(Some(First {
                seed,
                property,
                sighting,
            }));
        }
        seeds = seeds.end..seeds.end + SEEDS_AT_ONCE;
    }
    Ok(None)
}

/// How many decisions the shortest violation of a property takes in a small world.
fn shortest(
    world: &World,
    model: &dyn Model,
    shape: &Shape,
    property: &str,
) -> anyhow::Result<Option<usize>> {
    let options = ExploreOptions {
        memory_bytes: MEMORY_BYTES,
        property: Some(property.to_owned()),
        ..ExploreOptions::of(explore::Limits {
            scene: model.scene(&shape.small),
            duplicates: shape.duplicates,
            drops: 0,
            spurious: shape.spurious,
            crashes: 0,
            depth: shape.depth,
        })
    };
    let outcome = match shape.is_varied {
        false => explore::run(world, model, &options, |_| {})?.outcome,
        true => {
            let scenes = model.scenes(&shape.small);
            // It is the scene that goes deep.
            let deep = ExploreOptions {
                limits: explore::Limits {
                    depth: DEEP,
                    ..options.limits.clone()
                },
                ..options
            };
            explore::tour(world, model, (scenes, &deep), |_| {})?
                .explored
                .outcome
        }
    };
    Ok(match outcome {
        Outcome::Violated(found) => Some(found.scenario.schedule.len()),
        _ => None,
    })
}
