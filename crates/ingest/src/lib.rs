//! The senders' route: turns a request at the gate's listener into a call of the gate, and its result into an HTTP
//! answer. The crate knows neither pages nor people nor SQL.

mod answer;
mod describe;
mod ingest;
mod metrics;
mod recorded_headers;
mod target;

pub use answer::{SentAnswer, answered_status};
pub use describe::{describe, is_json};
pub use ingest::{Ingest, refuse_plain, refuse_target};
pub use metrics::{CertificateGauges, Gauges, Metrics, SetGauges};
pub use recorded_headers::RecordedHeaders;
pub use target::Target;
