//! HTML pages, from templates.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Value};

/// A page. What the template shows is escaped under any template name.
pub(in crate::http) fn render(template: &str, shown: impl Into<Value>) -> Result<String, Error> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    templates.render_str(template, shown)
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn what_is_shown_is_escaped() {
        let page = render("<p title=\"{{ text }}\">{{ text }}</p>", context! { text => "<a href='/'>\"&" });
        let escaped = "&lt;a href=&#x27;&#x2f;&#x27;&gt;&quot;&amp;";
        assert_eq!(page.unwrap(), format!("<p title=\"{escaped}\">{escaped}</p>"));
    }
}
