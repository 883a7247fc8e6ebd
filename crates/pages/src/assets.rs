//! Style sheet, script and icon. Their paths contain a hash of the content, so that browsers may cache them forever.

use std::sync::OnceLock;

/// A file that pages refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The file.
    pub bytes: &'static [u8],
    /// `true` if the path changes with the content, so that the response may be cached forever.
    pub immutable: bool,
}

/// Every asset with its path, for instance `/assets/style-0f3c….css`.
pub fn assets() -> impl Iterator<Item = (&'static str, Asset)> {
    named().iter().map(|file| (file.path.as_str(), file.asset))
}

/// The asset at this path.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    named()
        .iter()
        .find(|file| file.path == path)
        .map(|file| file.asset)
}

/// Path of the style sheet.
pub(crate) fn style() -> &'static str {
    &named()[0].path
}

/// Path of the script.
pub(crate) fn script() -> &'static str {
    &named()[1].path
}

/// Path of the icon.
pub(crate) fn icon() -> &'static str {
    &named()[2].path
}

struct Named {
    path: String,
    asset: Asset,
}

fn named() -> &'static [Named; 3] {
    static NAMED: OnceLock<[Named; 3]> = OnceLock::new();
    NAMED.get_or_init(|| {
        [
            name(
                "style",
                "css",
                "text/css; charset=utf-8",
                include_bytes!("../assets/style.css"),
            ),
            name(
                "console",
                "js",
                "text/javascript; charset=utf-8",
                include_bytes!("../assets/console.js"),
            ),
            name(
                "icon",
                "svg",
                "image/svg+xml",
                include_bytes!("../assets/icon.svg"),
            ),
        ]
    })
}

fn name(stem: &str, ending: &str, content_type: &'static str, bytes: &'static [u8]) -> Named {
    Named {
        path: format!("/assets/{stem}-{:016x}.{ending}", fingerprint(bytes)),
        asset: Asset {
            content_type,
            bytes,
            immutable: true,
        },
    }
}

/// FNV-1a, 64 bits. It tells versions of our own files apart, so it need not be cryptographic.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_stay_within_their_budgets() {
        for (path, asset) in assets() {
            let most = if path.starts_with("/assets/style-") {
                15_000
            } else {
                12_000
            };
            assert!(asset.bytes.len() <= most, "{path}: {} bytes", asset.bytes.len());
        }
    }

    #[test]
    fn an_asset_is_found_by_its_path_only() {
        assert_eq!(
            asset(style()).map(|found| found.content_type),
            Some("text/css; charset=utf-8")
        );
        assert_eq!(asset("/assets/style.css"), None);
    }

    #[test]
    fn the_fingerprint_is_fnv() {
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_F739_67E8);
    }
}
