//! The console's HTML: pure functions from view models to text. A view model is a plain struct whose `render` gives the
//! page; it contains everything that the page shows, including the current time.
//!
//! The crate depends on no gate, no storage and no HTTP: the HTTP layer fills the structs and handles the paths that the
//! pages link to. Text from outside is a [`UserText`], which can't be written unescaped.

mod assets;
mod audit_words;
mod chart;
mod explain;
mod link;
mod render;
mod screens;
mod shell;
mod snippets;
mod text;
mod when;

pub use assets::{Asset, asset, assets};
pub use audit_words::{AuditChange, audit_changes};
pub use chart::{Bucket, Chart, Series, Svg, sparkline};
pub use explain::{Explanation, PayloadFault, RemedyPage, explain};
pub use render::RenderError;
pub use screens::*;
pub use shell::{Flash, FlashKind, Paging, Problem, Shell};
pub use snippets::{Snippet, SnippetOptions, snippets};
pub use text::{SecretText, UserText};
pub use when::counted;
