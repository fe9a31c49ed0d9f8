//! The plot: start, first answer and warm answer of each line, on a logarithmic scale.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::measured::Measured;

type Series = (&'static str, RGBColor, fn(&Measured) -> f64);

const SERIES: [Series; 3] = [
    ("process start to first request for work", RGBColor(120, 120, 120), |measured| measured.init),
    ("first answer", RGBColor(200, 90, 30), |measured| measured.first),
    ("warm answer, median", RGBColor(30, 100, 180), |measured| measured.median),
];

/// Writes the plot of `all` as SVG.
pub(crate) fn draw(all: &[Measured], path: &Path) -> Result<(), Box<dyn Error>> {
    let lines = u32::try_from(all.len())?;
    let area = SVGBackend::new(path, (900, 80 + 40 * lines)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = all.iter().flat_map(|measured| SERIES.map(|(_, _, of)| of(measured))).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(150)
        .build_cartesian_2d((0.1..most * 1.5).log_scale(), -0.5..f64::from(lines) - 0.5)?;
    // A line is around its number.
    let name = |place: &f64| {
        let mut lines = all.iter().rev().zip(0u32..);
        lines
            .find(|(_, line)| (f64::from(*line) - place).abs() < 0.01)
            .map_or_else(String::new, |(measured, _)| measured.flow.clone())
    };
    let ticks = 2 * all.len();
    chart.configure_mesh().disable_y_mesh().x_desc("milliseconds").y_labels(ticks).y_label_formatter(&name).draw()?;
    for (n, (label, color, of)) in SERIES.iter().enumerate() {
        let offset = 0.12 - 0.25 * f64::from(u32::try_from(n)?);
        let bars = all.iter().rev().zip(0u32..).map(|(measured, line)| {
            let low = f64::from(line) + offset;
            Rectangle::new([(0.1, low), (of(measured), low + 0.22)], color.filled())
        });
        let key = *color;
        chart.draw_series(bars)?.label(*label).legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], key.filled()));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).background_style(WHITE).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
