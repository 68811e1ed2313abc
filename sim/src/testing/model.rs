//! The model of a test's world: that of the world, and the properties of the test.

use std::borrow::Cow;
use std::sync::Arc;

use super::asked::{self, Properties};
use sim_air::{EffectId, PlanId, SchemaId};
use sim_kernel::World;
use sim_model::{Model, Reply, Scene, Size, Small, Spurious, Watch, Work};
use sim_record::random::Stream;
use sim_record::scenario::{Depth, Knob, Request, Scenario};
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

    fn name(&self) -> &str {
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

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        self.model.correlation(schema, value)
    }

    fn effect_correlation<'a>(&self, effect: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        self.model.effect_correlation(effect, params)
    }

    fn answers(&self) -> Answers {
        self.model.answers()
    }

    fn knows_answers(&self, plan: PlanId, raised: SchemaId, input: SchemaId) -> bool {
        self.model.knows_answers(plan, raised, input)
    }

    fn answer(&self, plan: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.model.answer(plan, input, answer, out)
    }

    fn may_answer(&self, work: &Work<'_>, answer: Answer) -> bool {
        self.model.may_answer(work, answer)
    }

    fn same(&self, work: &Work<'_>) -> Option<Vec<u8>> {
        self.model.same(work)
    }

    fn lists_answers(&self, work: &Work<'_>) -> bool {
        self.model.lists_answers(work)
    }

    fn reply(&self, work: &Work<'_>, answer: Answer, stream: Option<&mut Stream>) -> Option<Reply> {
        self.model.reply(work, answer, stream)
    }

    fn spans_ns(&self) -> &[u64] {
        self.model.spans_ns()
    }

    fn at_time(&self, schema: SchemaId, value: &[u8], now_ns: u64) -> Option<Vec<u8>> {
        self.model.at_time(schema, value, now_ns)
    }

    fn allows(&self, scenario: &Scenario) -> bool {
        self.model.allows(scenario)
    }

    fn forbids(&self, fault: Knob) -> bool {
        self.model.forbids(fault)
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
