//! The randomness of the operating system.

use hookgate_gate::{Entropy, EntropyError};
use ring::rand::{SecureRandom, SystemRandom};

/// The system's random source.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where randomness comes from"
)]
pub(crate) fn random() -> SystemEntropy {
    SystemEntropy(SystemRandom::new())
}

/// Randomness from the operating system.
pub(crate) struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(buffer).map_err(|_| EntropyError)
    }
}
