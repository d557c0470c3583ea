"""NS40x to NS44x and NS5xx: what is wrong with data."""
