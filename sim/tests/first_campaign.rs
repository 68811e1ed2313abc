//! What a user of the library calls first: a campaign on a world. The library's page shows this
//! file.

use sim::campaign::{self, CampaignOptions};
use sim::{models, worlds};

pub fn main() -> anyhow::Result<()> {
    let world = worlds::usual().load()?;
    let model = models::of(&world);
    let summary = campaign::run(&world, &*model, &CampaignOptions::of(0..100), |_| {})?;
    assert!(summary.steps > 0, "something was tried");
    for failure in &summary.failures {
        println!("seed {}: {}", failure.seed, failure.sighting.signature);
    }
    assert!(summary.failures.is_empty());
    Ok(())
}
