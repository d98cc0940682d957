(* Balls: they are convex in the vectors a_j w_j, do not know the order of neurons, and hold what is smaller. *)
Require Import Reals List ZArith Lra Lia Psatz.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm.
Import ListNotations.
Open Scope R_scope.

Lemma sumlt_first : forall m f, sumlt (S m) f = f O + sumlt m (fun i => f (S i)).
Proof. induction m as [|m IH]; intros f; [simpl; ring|]. change (sumlt (S m) f + f (S m) = f O + (sumlt m (fun i => f (S i)) + f (S m))). rewrite IH. ring. Qed.

Lemma sumlt_le : forall m f g, (forall i, (i < m)%nat -> f i <= g i) -> sumlt m f <= sumlt m g.
Proof.
  induction m as [|m IH]; intros f g H; simpl; [lra|].
  specialize (IH f g (fun i Hi => H i (Nat.lt_lt_succ_r _ _ Hi))). specialize (H m (Nat.lt_succ_diag_r m)). lra.
Qed.

Lemma sumlt_squares : forall m u, 0 <= sumlt m (fun i => u i * u i).
Proof. induction m as [|m IH]; intros u; simpl; [lra|]. specialize (IH u). nra. Qed.

Lemma cauchy_schwarz : forall m u v,
  sumlt m (fun i => u i * v i) * sumlt m (fun i => u i * v i) <=
  sumlt m (fun i => u i * u i) * sumlt m (fun i => v i * v i).
Proof.
  induction m as [|m IH]; intros u v; simpl; [lra|]. specialize (IH u v).
  pose proof (sumlt_squares m u) as HU. pose proof (sumlt_squares m v) as HV.
  set (D := sumlt m (fun i => u i * v i)) in *. set (U := sumlt m (fun i => u i * u i)) in *.
  set (V := sumlt m (fun i => v i * v i)) in *. set (a := u m). set (b := v m).
  assert (K : 2 * (a * b) * D <= a * a * V + U * (b * b)); [|nra].
  destruct (Req_dec V 0) as [E|N].
  - rewrite E in *. assert (D = 0) by nra. nra.
  - apply Rmult_le_reg_r with V; [lra|]. pose proof (Rle_0_sqr (a * V - b * D)) as S. unfold Rsqr in S.
    assert (b * b * (D * D) <= b * b * (U * V)) by (apply Rmult_le_compat_l; [nra|auto]). nra.
Qed.

Lemma norm_pos : forall d u, 0 <= norm d u.
Proof. intros. apply sqrt_pos. Qed.

Lemma norm_sqr : forall d u, norm d u * norm d u = sumlt d (fun i => u i * u i).
Proof. intros. apply sqrt_sqrt, sumlt_squares. Qed.

Lemma norm_least : forall d u r, 0 <= r -> sumlt d (fun i => u i * u i) <= r * r -> norm d u <= r.
Proof. intros d u r Hr H. unfold norm. rewrite <- (sqrt_square r Hr). apply sqrt_le_1_alt; auto. Qed.

Lemma norm_le : forall d u v, (forall i, (i < d)%nat -> Rabs (u i) <= Rabs (v i)) -> norm d u <= norm d v.
Proof.
  intros d u v H. unfold norm. apply sqrt_le_1_alt, sumlt_le. intros i Hi.
  apply (Rsqr_le_abs_1 (u i) (v i)); auto.
Qed.

Lemma inner_le : forall d u v, sumlt d (fun i => u i * v i) <= norm d u * norm d v.
Proof.
  intros d u v. apply Rnot_lt_le. intros L. pose proof (cauchy_schwarz d u v) as C.
  rewrite <- !norm_sqr in C. pose proof (norm_pos d u). pose proof (norm_pos d v).
  assert (0 <= norm d u * norm d v) by (apply Rmult_le_pos; auto). nra.
Qed.

Lemma sumlt_mix : forall m t f g, sumlt m (fun i => (1 - t) * f i + t * g i) = (1 - t) * sumlt m f + t * sumlt m g.
Proof. induction m as [|m IH]; intros t f g; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma norm_mix : forall d t u v, 0 <= t <= 1 -> norm d (fun i => (1 - t) * u i + t * v i) <= (1 - t) * norm d u + t * norm d v.
Proof.
  intros d t u v Ht. pose proof (norm_pos d u) as Hu. pose proof (norm_pos d v) as Hv. apply norm_least; [nra|].
  assert (E : sumlt d (fun i => ((1 - t) * u i + t * v i) * ((1 - t) * u i + t * v i)) =
    (1 - t) * (1 - t) * sumlt d (fun i => u i * u i) + 2 * t * (1 - t) * sumlt d (fun i => u i * v i) + t * t * sumlt d (fun i => v i * v i)).
  { clear. induction d as [|d IH]; simpl; [ring|]. rewrite IH. ring. }
  rewrite E, <- !norm_sqr. pose proof (inner_le d u v) as I.
  assert (T : 0 <= t * (1 - t)) by nra.
  assert (t * (1 - t) * sumlt d (fun i => u i * v i) <= t * (1 - t) * (norm d u * norm d v)) by (apply Rmult_le_compat_l; auto).
  nra.
Qed.

Lemma dot_sumlt : forall r d u, (length r <= d)%nat -> dot r u = sumlt d (fun i => vec r i * u i).
Proof.
  induction r as [|a r IH]; intros d u L.
  - rewrite dot_zerob by reflexivity. clear. induction d as [|d IH]; simpl; auto. rewrite <- IH. unfold vec. destruct d; simpl; ring.
  - destruct d as [|d]; [simpl in L; lia|]. rewrite sumlt_first. simpl in L. cbn [dot]. rewrite (IH d) by lia. reflexivity.
Qed.

(* r . u <= h |u| where |r| <= h *)
Lemma dot_norm : forall r d u h, (length r <= d)%nat -> (0 <= h)%Z -> (dotZ r r <= h * h)%Z -> dot r u <= IZR h * norm d u.
Proof.
  intros r d u h L H0 H. apply IZR_le in H0, H. rewrite mult_IZR, dotZ_dot, (dot_sumlt r d) in H by auto.
  rewrite (dot_sumlt r d) by auto. eapply Rle_trans; [apply inner_le|].
  apply Rmult_le_compat_r; [apply norm_pos|]. apply norm_least; auto.
Qed.

Lemma norm_scale : forall d c u, norm d (fun i => c * u i) = Rabs c * norm d u.
Proof.
  intros d c u. unfold norm. rewrite <- (sqrt_Rsqr_abs c), <- sqrt_mult; [|apply Rle_0_sqr|apply sumlt_squares].
  f_equal. clear. induction d as [|d IH]; simpl; [ring|]. rewrite IH. unfold Rsqr. ring.
Qed.

Section Ball.
Variable m d : nat.
Variable ball : balls.

Lemma in_ball_le : forall W a W' a', in_ball m d ball W a ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> Rabs (a' j * W' j i) <= Rabs (a j * W j i)) -> in_ball m d ball W' a'.
Proof.
  intros W a W' a' B H. unfold in_ball in *. destruct ball as [|p q|p q|p q]; auto.
  - intros j i Hj Hi. eapply Rle_trans; [apply H|]; auto.
  - intros j Hj. eapply Rle_trans; [apply norm_le; intros i Hi; apply (H j i Hj Hi)|]. auto.
  - eapply Rle_trans; [|exact B]. apply sumlt_le. intros j Hj. apply norm_le. intros i Hi. apply (H j i Hj Hi).
Qed.

Lemma in_ball_same : forall W a W' a', in_ball m d ball W a ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> a' j * W' j i = a j * W j i) -> in_ball m d ball W' a'.
Proof. intros W a W' a' B H. apply (in_ball_le W a); auto. intros j i Hj Hi. rewrite H; auto. lra. Qed.

Lemma in_ball_mix : forall t W a W0 a0 W1 a1, 0 <= t <= 1 -> in_ball m d ball W0 a0 -> in_ball m d ball W1 a1 ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = (1 - t) * (a0 j * W0 j i) + t * (a1 j * W1 j i)) ->
  in_ball m d ball W a.
Proof.
  intros t W a W0 a0 W1 a1 Ht B0 B1 H.
  apply (in_ball_le (fun j i => (1 - t) * (a0 j * W0 j i) + t * (a1 j * W1 j i)) (fun _ => 1)).
  2:{ intros j i Hj Hi. rewrite H; auto. rewrite Rmult_1_l. lra. }
  assert (N : forall j, norm d (fun i => 1 * ((1 - t) * (a0 j * W0 j i) + t * (a1 j * W1 j i))) <=
    (1 - t) * norm d (fun i => a0 j * W0 j i) + t * norm d (fun i => a1 j * W1 j i)).
  { intros j. eapply Rle_trans; [|apply norm_mix; auto]. apply norm_le. intros i Hi. rewrite Rmult_1_l. lra. }
  unfold in_ball in *. destruct ball as [|p q|p q|p q]; auto.
  - intros j i Hj Hi. rewrite Rmult_1_l. eapply Rle_trans; [apply Rabs_triang|].
    specialize (B0 j i Hj Hi). specialize (B1 j i Hj Hi). rewrite (Rabs_mult (1 - t)), (Rabs_mult t).
    rewrite (Rabs_right (1 - t)), (Rabs_right t) by lra. nra.
  - intros j Hj. eapply Rle_trans; [apply N|]. specialize (B0 j Hj). specialize (B1 j Hj). nra.
  - eapply Rle_trans; [apply sumlt_le; intros j Hj; apply N|]. rewrite sumlt_mix. nra.
Qed.

Lemma in_ball_bij : forall f g W a, Bij m f g -> in_ball m d ball W a -> in_ball m d ball (fun j => W (f j)) (fun j => a (f j)).
Proof.
  intros f g W a B H. unfold in_ball in *. destruct ball as [|p q|p q|p q]; auto.
  - intros j i Hj Hi. apply H; auto. apply B; auto.
  - intros j Hj. apply (H (f j)). apply B; auto.
  - rewrite (sumlt_bij m f g (fun j => norm d (fun i => a j * W j i)) B). exact H.
Qed.
End Ball.
