"""Linear regression as scikit-learn's imputer asks for it; loaded only where one imputes."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from cjlib.intervals import Floats

RIDGE: Final = 1e-5  # of each item's own sum of squares, as is customary in chained equations


class Regression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares by the normal equations: scikit-learn's own takes a decomposition a fit."""

    def fit(self, x: Floats, y: Floats) -> Regression:
        """Fit with so slight a ridge that alike items do no harm."""
        self.centre_, self.level_ = x.mean(axis=0), float(y.mean())
        inner = x - self.centre_
        product = inner.T @ inner
        product[np.diag_indices_from(product)] *= 1 + RIDGE
        product[np.diag_indices_from(product)] += RIDGE
        self.inverse_ = np.linalg.inv(product)
        self.slopes_ = self.inverse_ @ (inner.T @ (y - self.level_))
        left = y - self.predict(x)
        self.rows_ = len(y)
        self.variance_ = float(left @ left) / max(len(y) - x.shape[1] - 1, 1)
        return self

    def predict(self, x: Floats, return_std: bool = False) -> Floats | tuple[Floats, Floats]:
        """Foretell, and on request the deviation of a new answer from what is foretold."""
        inner = x - self.centre_
        mean: Floats = self.level_ + inner @ self.slopes_
        if not return_std:
            return mean
        spread = 1 + 1 / self.rows_ + np.einsum("ij,jk,ik->i", inner, self.inverse_, inner)
        return mean, np.sqrt(self.variance_ * spread)
