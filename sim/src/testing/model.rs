//! The model of a test's world: that of the world, and the properties of the test.

use std::sync::Arc;

use super::asked::{self, Properties};
use sim_air::{EffectId, SchemaId};
use sim_kernel::World;
use sim_model::{Model, Scene, Size, Small, Spurious, Watch};
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Request};
use sim_record::trace::{Answer, Answers};

/// Another model, with properties of its own.
pub(super) struct Extended {
    pub model: Box<dyn Model>,
    pub asked: Arc<Properties>,
}

impl Model for Extended {
    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>> {
        let mut watches = self.model.watches(world);
        watches.extend(asked::watches(&self.asked, world));
        watches
    }

    // All else is the other's.

    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn knows_clients(&self) -> bool {
        self.model.knows_clients()
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        self.model.requests(stream, depth)
    }

    fn sizes(&self) -> &'static [Size] {
        self.model.sizes()
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        self.model.scenes(small)
    }

    fn scene(&self, small: &Small) -> Scene {
        self.model.scene(small)
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        self.model.are_alike(requests)
    }

    fn few_spurious(&self, requests: &[Request]) -> Vec<Spurious> {
        self.model.few_spurious(requests)
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<&'a str> {
        self.model.correlation(schema, value)
    }

    fn effect_correlation<'a>(&self, kind: &str, params: &'a [u8]) -> Option<&'a str> {
        self.model.effect_correlation(kind, params)
    }

    fn answers(&self) -> Answers {
        self.model.answers()
    }

    fn knows_answers(&self, raised: SchemaId, input: SchemaId) -> bool {
        self.model.knows_answers(raised, input)
    }

    fn answer(&self, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.model.answer(input, answer, out)
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        self.model.spurious(requests, stream)
    }

    fn few_receipts(&self, effect: EffectId, params: &[u8]) -> Vec<Vec<u8>> {
        self.model.few_receipts(effect, params)
    }

    fn receipt(&self, effect: EffectId, params: &[u8], stream: &mut Stream) -> Option<Vec<u8>> {
        self.model.receipt(effect, params, stream)
    }

    fn abstract_state(&self, requests: &[Request], state: &[u8]) -> u64 {
        self.model.abstract_state(requests, state)
    }

    fn plain_number(&self, field: &str) -> u64 {
        self.model.plain_number(field)
    }
}
