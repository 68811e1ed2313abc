//! Where a case comes from: what found it, with which mix, and on what.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CaseError, strict};
use sim_air::Hash;
use sim_kernel::World;
use sim_record::scenario::{Faults, Knob, Scenario, answer_of_weight};

/// What found a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundBy {
    /// `seed`, `explore`, `fuzz`, or `hand` for a case that a person wrote.
    pub driver: String,
    /// The seed, if that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The mix that the seed's faults were drawn by: what was on. Only told; a replay draws
    /// nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "strict::some_map"
    )]
    pub faults: Option<BTreeMap<String, u32>>,
}

impl FoundBy {
    /// The explorer.
    pub fn explorer() -> FoundBy {
        FoundBy {
            driver: "explore".to_owned(),
            seed: None,
            faults: None,
        }
    }

    /// The fuzzer.
    pub fn fuzzer() -> FoundBy {
        FoundBy {
            driver: "fuzz".to_owned(),
            seed: None,
            faults: None,
        }
    }

    /// A seed, and the mix that it drew.
    pub fn seed(seed: u64, scenario: &Scenario) -> FoundBy {
        let named = |mix: &Faults| mix.on().collect();
        FoundBy {
            driver: "seed".to_owned(),
            seed: Some(seed),
            faults: scenario.faults.as_ref().map(named),
        }
    }

    /// For the name of a file: `seed-7`, `fuzz`.
    pub fn stem(&self) -> String {
        match self.seed {
            Some(seed) => format!("{}-{seed}", self.driver),
            None => self.driver.clone(),
        }
    }

    pub(super) fn mix(&self) -> Result<Option<Faults>, CaseError> {
        let Some(named) = &self.faults else {
            return Ok(None);
        };
        let (mut knobs, mut answers) = (Vec::new(), Vec::new());
        for (name, number) in named {
            if *number > Faults::MOST {
                let pointer = format!("/found_by/faults/{name}");
                let what = format!("expected at most {}, found {number}", Faults::MOST);
                return Err(CaseError::content(pointer, what));
            }
            match Knob::named(name) {
                Some(knob) => knobs.push((knob, *number)),
                None => answers.push((answer_of_weight(name).into(), *number)),
            }
        }
        Ok(Faults::of(knobs, answers))
    }
}

impl fmt::Display for FoundBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.driver.as_str(), self.seed) {
            (driver, Some(seed)) => write!(out, "{driver} {seed}"),
            ("fuzz", None) => out.write_str("an input of the fuzzer"),
            (driver, None) => out.write_str(driver),
        }
    }
}

/// What a case was found on, by hashes: `sha256:` and 64 hex digits each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldHashes {
    /// That of the documents.
    pub manifest: String,
    /// Wasm hash by the name of the module: the reducers, and the enforcers of the world's own.
    #[serde(deserialize_with = "strict::map")]
    pub reducers: BTreeMap<String, String>,
    /// That of what is declared beside the documents, if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// Wasm hash by the name of the monitor.
    #[serde(
        default,
        deserialize_with = "strict::map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub monitors: BTreeMap<String, String>,
}

impl WorldHashes {
    /// The hashes of a world.
    pub fn of(world: &World) -> WorldHashes {
        let modules = world.modules();
        let modules = modules.map(|(name, hash)| (name.to_owned(), hash.to_string()));
        WorldHashes {
            manifest: world.air.manifest_hash.to_string(),
            reducers: modules.collect(),
            declared: world
                .declared
                .as_ref()
                .map(|declared| Hash::of(declared.text.as_bytes()).to_string()),
            monitors: world
                .monitors
                .iter()
                .map(|(name, code)| (name.clone(), code.hash().to_string()))
                .collect(),
        }
    }
}
