//! The exports of a reducer.
//!
//! Owns the macros that name `alloc` and `step`, which only wasm has: elsewhere they come to
//! nothing. What the two do is in `memory`.

/// Exports a reducer: the function that takes its steps.
///
/// ```
/// # use sdk::{Input, Output, Refusal};
/// sdk::export!(step);
///
/// fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
///     let total: u64 = input.state()?.unwrap_or(0);
///     let by: u64 = input.event()?;
///     output.state(&total.saturating_add(by));
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! export {
    ($step:path) => {
        const _: fn(
            &$crate::Input<'_>,
            &mut $crate::Output<'_>,
        ) -> ::core::result::Result<(), $crate::Refusal> = $step;

        #[cfg(target_arch = "wasm32")]
        $crate::export_step!(
            |envelope: $crate::Envelope<'_>, space: &mut [u8]| {
                $crate::run($step, envelope.bytes(), space)
            },
            |envelope: &[u8], space: &mut [u8]| $crate::run($step, envelope, space)
        );
    };
}

/// Exports `alloc` and `step` of a reducer that is an [`Answer`](crate::straight::Answer), read in
/// a straight line where that can be done.
#[macro_export]
macro_rules! export_straight {
    ($Answer:ty) => {
        #[cfg(target_arch = "wasm32")]
        $crate::export_step!(
            $crate::straight::step::<$Answer>,
            $crate::straight::step_in_any_form::<$Answer>
        );
    };
}

/// Exports `alloc` and `step` for a step from an [`Envelope`](crate::Envelope) into a space. Only
/// wasm has a use for it.
#[doc(hidden)]
#[macro_export]
macro_rules! export_step {
    ($step:expr, $step_in_any_form:expr) => {
        #[expect(unsafe_code, reason = "the ABI fixes the names of the exports")]
        const _: () = {
            struct Exported;

            impl $crate::memory::Step for Exported {
                #[inline(always)]
                fn step(
                    envelope: $crate::Envelope<'_>,
                    space: &mut [u8],
                ) -> Result<usize, $crate::Refusal> {
                    ($step)(envelope, space)
                }

                fn step_in_any_form(
                    envelope: &[u8],
                    space: &mut [u8],
                ) -> Result<usize, $crate::Refusal> {
                    ($step_in_any_form)(envelope, space)
                }
            }

            // By other names, so that the reducer's own `step` is not hidden.
            #[unsafe(export_name = "alloc")]
            extern "C" fn exported_alloc(length: usize) -> usize {
                $crate::memory::alloc(length)
            }

            #[unsafe(export_name = "step")]
            extern "C" fn exported_step(result: usize, input: usize, length: usize) {
                $crate::memory::serve::<Exported>(result, input, length);
            }
        };
    };
}
