//! Properties of everything that parses untrusted input. Each function takes bytes and panics if a property does not hold.
//! The fuzzer searches for such bytes, and the tests replay the corpus.

#![expect(clippy::missing_panics_doc, reason = "a panic is what a finding is")]

mod addresses;
mod configuration;
mod http1;
mod mapping;
mod messages;
mod names;
mod payload;
mod query;
mod secrets;
mod signature;
mod signature_scheme;

pub use addresses::{address_list, allowlist, client_address, proxy_header};
pub use configuration::configuration;
pub use http1::http1;
pub use mapping::mapping;
pub use messages::{form, gzip, message, multipart};
pub use names::names;
pub use payload::payload;
pub use query::query;
pub use secrets::webhook_id;
pub use signature::signature;
pub use signature_scheme::signature_scheme;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Calls each function with its corpus.
    macro_rules! replay {
        ($($target:ident),+) => {
            $(
                #[test]
                fn $target() {
                    replay(stringify!($target), super::$target);
                }
            )+
        };
    }

    replay!(
        address_list,
        allowlist,
        client_address,
        configuration,
        form,
        gzip,
        http1,
        mapping,
        message,
        multipart,
        names,
        payload,
        proxy_header,
        query,
        signature,
        signature_scheme,
        webhook_id
    );

    fn replay(target: &str, check: fn(&[u8])) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let files = std::fs::read_dir(directory).expect("a corpus");
        let mut replayed = 0;
        for file in files {
            check(&std::fs::read(file.expect("a file").path()).expect("a file"));
            replayed += 1;
        }
        assert!(replayed > 0, "{target} has no corpus");
    }
}
