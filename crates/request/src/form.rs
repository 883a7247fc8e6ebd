//! Forms. A form is read only if a page of this console sent it: another site could make a browser send one too.

use bytes::Bytes;
use hyper::Request;

use crate::admin_request::AdminRequest;
use crate::anonymous_forms::AnonymousForms;
use crate::api_error::{ApiError, ErrorCode};
use crate::fields::Fields;
use crate::host::Host;

/// The body of a form.
pub struct Form(Bytes);

impl Form {
    /// Reads a form that a page of this console sent, of any session.
    ///
    /// # Errors
    /// The form is from another site, too large, or does not arrive.
    pub async fn read(request: AdminRequest, host: &Host) -> Result<Self, ApiError> {
        Ok(Self(check_origin(request, host)?.bytes().await?))
    }

    /// Reads a form that a page of this console sent without a session. Anybody can send one, so it has at most
    /// `max_bytes` bytes, and reading it has a timeout.
    ///
    /// # Errors
    /// The form is from another site, too large, too slow, or one of too many.
    pub async fn read_anonymous(
        request: AdminRequest,
        host: &Host,
        forms: &AnonymousForms,
        max_bytes: usize,
    ) -> Result<Self, ApiError> {
        let AdminRequest { body, source, .. } = check_origin(request, host)?;
        Ok(Self(forms.read(body, source, max_bytes).await?))
    }

    /// Parses the fields.
    ///
    /// # Errors
    /// There are too many fields.
    pub fn fields(&self) -> Result<Fields<'_>, ApiError> {
        Fields::parse(&self.0)
    }
}

/// Returns the request if a page of this console sent it.
///
/// # Errors
/// [`ErrorCode::ForeignForm`] if it is from another site.
pub fn check_origin(request: AdminRequest, host: &Host) -> Result<AdminRequest, ApiError> {
    let without_body = Request::from_parts(request.head, ());
    if !host.is_origin_of(&without_body) {
        return Err(ErrorCode::ForeignForm.into());
    }
    let (head, ()) = without_body.into_parts();
    Ok(AdminRequest { head, ..request })
}
