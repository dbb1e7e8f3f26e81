//! The chart: how long a request takes longer with each of them, on a logarithmic scale.

use crate::{contender::What, peers::GATE, table::Measured};
use std::fmt::Write as _;

const WIDTH: f64 = 880.0;
/// Where bars begin, and where they end at the latest.
const LEFT: f64 = 268.0;
const RIGHT: f64 = 686.0;
const TOP: f64 = 104.0;
const BAR: f64 = 18.0;
const STEP: f64 = 26.0;
const HEADING: f64 = 34.0;

/// What is drawn, and what the reader calls it.
const GROUPS: [(What, &str); 4] = [
    (What::Session, "Signed in by a session"),
    (What::Bearer, "Bearer token (RS256), seen before"),
    (
        What::FirstSight,
        "Bearer token (RS256), seen for the first time",
    ),
    (What::Redirect, "Nobody signed in: redirect to log in"),
];

/// It stands on a ground of its own, so that it can be read on whatever page it is put.
const STYLE: &str = "\
.ground{fill:#fff;stroke:#d1d9e0}.text{fill:#1f2328}.quiet{fill:#59636e}.line{stroke:#d1d9e0}\
.ours{fill:#1f6feb}.ours-text{fill:#0550ae;font-weight:600}.others{fill:#afb8c1}.least{fill:none;stroke:#59636e;stroke-dasharray:3 2}\
@media(prefers-color-scheme:dark){\
.ground{fill:#0d1117;stroke:#3d444d}.text{fill:#f0f6fc}.quiet{fill:#9198a1}.line{stroke:#3d444d}\
.ours{fill:#4493f8}.ours-text{fill:#79c0ff}.others{fill:#656c76}.least{stroke:#9198a1}}";

/// Nanoseconds along the axis, by powers of ten.
struct Scale {
    from: i32,
    to: i32,
}

impl Scale {
    fn of(rows: &[&Measured]) -> Self {
        let each = || rows.iter().map(|row| row.own_ns.max(1.0).log10());
        Self {
            from: each().fold(f64::MAX, f64::min).floor() as i32,
            to: each().fold(f64::MIN, f64::max).ceil() as i32,
        }
    }

    fn at(&self, ns: f64) -> f64 {
        let part = (ns.max(1.0).log10() - f64::from(self.from)) / f64::from(self.to - self.from);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

/// The whole picture.
pub(crate) fn svg(measured: &[Measured], setting: &str) -> String {
    let drawn = |what: What| {
        measured
            .iter()
            .filter(move |row| row.what == what && is_drawn(row))
    };
    let rows: Vec<&Measured> = GROUPS.iter().flat_map(|(what, _)| drawn(*what)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let scale = Scale::of(&rows);
    let bottom = TOP + GROUPS.len() as f64 * HEADING + rows.len() as f64 * STEP;
    let height = bottom + 46.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"What a gate adds to each request, by library\" \
         font-family=\"-apple-system,BlinkMacSystemFont,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif\" font-size=\"13\">\n\
         <style>{STYLE}</style>\n\
         <rect class=\"ground\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n",
        WIDTH - 1.0,
        height - 1.0,
    );
    let _ = write!(
        svg,
        "<text class=\"text\" x=\"24\" y=\"36\" font-size=\"18\" font-weight=\"600\">What it adds to each request</text>\n\
         <text class=\"quiet\" x=\"24\" y=\"58\" font-size=\"12\">Time over the same axum application without it; shorter is better, and each line is ten times the one before.</text>\n\
         <text class=\"quiet\" x=\"24\" y=\"75\" font-size=\"12\">{}</text>\n",
        escape(setting)
    );
    axis(&mut svg, &scale, bottom);
    let mut y = TOP;
    for (what, heading) in GROUPS {
        let mut group: Vec<&Measured> = drawn(what).collect();
        group.sort_by(|a, b| a.own_ns.total_cmp(&b.own_ns));
        let _ = writeln!(
            svg,
            "<text class=\"text\" x=\"24\" y=\"{}\" font-weight=\"600\">{heading}</text>",
            y + 22.0
        );
        y += HEADING;
        for row in group {
            bar(&mut svg, row, &scale, y);
            y += STEP;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The applications alone are what the others are compared with, and have no time of their own.
fn is_drawn(row: &Measured) -> bool {
    !row.who.starts_with("bare") && !row.who.contains("recently")
}

fn axis(svg: &mut String, scale: &Scale, bottom: f64) {
    for power in scale.from..=scale.to {
        let ns = 10_f64.powi(power);
        let x = scale.at(ns);
        let _ = write!(
            svg,
            "<line class=\"line\" x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{}\"/>\n\
             <text class=\"quiet\" x=\"{x:.1}\" y=\"{}\" font-size=\"12\" text-anchor=\"middle\">{}</text>\n",
            TOP + 4.0,
            bottom + 6.0,
            bottom + 24.0,
            time(ns),
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"quiet\" x=\"{}\" y=\"{}\" font-size=\"12\" text-anchor=\"end\">allocations</text>",
        WIDTH - 24.0,
        TOP + 22.0
    );
}

fn bar(svg: &mut String, row: &Measured, scale: &Scale, y: f64) {
    let (class, text) = match &row.who {
        who if who.starts_with(GATE) => ("ours", "ours-text"),
        who if who.starts_with("the least") => ("least", "quiet"),
        _ => ("others", "text"),
    };
    // However short, it can be seen.
    let end = scale.at(row.own_ns).max(LEFT + 2.0);
    let baseline = y + 13.5;
    let _ = write!(
        svg,
        "<text class=\"{text}\" x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\n\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
         <text class=\"{text}\" x=\"{:.1}\" y=\"{baseline}\">{}</text>\n\
         <text class=\"{text}\" x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\n",
        LEFT - 10.0,
        escape(&row.who),
        end - LEFT,
        end + 7.0,
        time(row.own_ns),
        WIDTH - 24.0,
        row.own.count.max(0),
    );
}

/// As one says it: three digits at most.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        value if value < 9.95 && value.fract() > 0.05 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
