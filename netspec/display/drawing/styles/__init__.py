"""Networks as SVG: as a flow of layers, feature maps, towers, or a U."""
