//! From a template to HTML.

/// Implements `render` for a screen, and `section`, the part of the navigation that the layout highlights.
macro_rules! screen {
    ($name:ident) => {
        impl $name {
            /// The page as HTML.
            ///
            /// # Errors
            /// The template fails.
            pub fn render(&self) -> Result<String, crate::RenderError> {
                crate::render::html(self)
            }
        }
    };
    ($name:ident, $section:literal) => {
        crate::render::screen!($name);

        impl $name {
            fn section(&self) -> &'static str {
                $section
            }
        }
    };
}
pub(crate) use screen;

/// The error of a template: a value in it can't be written.
#[derive(Debug, thiserror::Error)]
#[error("a page can't be rendered")]
pub struct RenderError(#[from] askama::Error);

/// The template's HTML, with every hidden character escaped, in attributes too.
pub(crate) fn html(template: &impl askama::Template) -> Result<String, RenderError> {
    Ok(crate::text::without_hidden(template.render()?))
}
