//! The faults of a recorded payload, for people who look at it later: the payload is read again by the same rules.

use hookgate_domain::RefusalCode;
use hookgate_senders::read_payload;

use crate::{DeliveryRecord, Details, Gate, Refusal, Store, StoreError};

impl<S: Store> Gate<S> {
    /// The faults of the payload of this delivery; `None` if the delivery was refused for another reason, or if its
    /// payload was not kept.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn payload_faults(&self, record: &DeliveryRecord) -> Result<Option<Details>, StoreError> {
        let code = record.summary.answer.code();
        let (Some(payload), Some(RefusalCode::InvalidJson | RefusalCode::ValidationError)) =
            (&record.payload, code)
        else {
            return Ok(None);
        };
        let webhook = self.store.webhook_by_handle(record.summary.webhook).await?;
        Ok(webhook.and_then(|webhook| {
            let fault = read_payload(webhook.format, payload, true).err()?;
            Refusal::from(fault).details
        }))
    }
}
